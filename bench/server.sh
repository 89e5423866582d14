# To be sourced: builds, and starts servers on an empty SQLite database. Sets `bench` (the load generator), `folder` (the
# server's), and with every start `server` (its process) and `port`.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/machine.sh
cargo build --release --workspace
# A socket is a descriptor here and one there.
ulimit -n "$(ulimit -Hn)"
release=${CARGO_TARGET_DIR:-target}/release
bench=$release/pneumatic-bench
export SECRET_KEY=${SECRET_KEY:-nobody needs to know this key at all}
folder=$(mktemp -d)
server=
trap 'stop; rm -rf "$folder"' EXIT

start() {
    # What is measured is what the server can do, not what it lets one address do.
    local unlimited="RATE_LIMIT_PER_MINUTE=0 RATE_LIMIT_PER_HOUR=0 RATE_LIMIT_AUTH_PER_MINUTE=0 WS_MESSAGES_PER_MINUTE=0"
    unlimited+=" WS_PINGS_PER_MINUTE=0 MAX_CONNECTIONS_PER_ADDRESS=0"
    # Making many users takes longer than a token is good; guests are made faster, and are users like any other.
    local patient="ACCESS_TOKEN_EXPIRE_MINUTES=1440 PRESENCE_GRACE=1 ALLOW_GUESTS=true"
    port=$(free_ports 1)
    mkdir -p "$folder/data"
    env $unlimited $patient DATA_DIR="$folder/data" PORT="$port" RUST_LOG=warn "$release/pneumatic" >/dev/null &
    server=$!
    until PORT="$port" "$release/pneumatic" healthcheck 2>/dev/null; do
        kill -0 "$server" || return 1
        sleep 0.1
    done
}

stop() {
    if [[ -n $server ]]; then
        kill "$server"
        wait "$server" || true
        server=
    fi
}
