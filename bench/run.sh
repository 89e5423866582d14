#!/usr/bin/env bash
# Starts a server of its own on an empty SQLite database, loads it, prints the figures. Arguments go to the load
# generator: bench/run.sh --scenario post --in-flight 32
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release --workspace
folder=$(mktemp -d)
port=$(shuf -i 20000-32000 -n 1)
# What is measured is what the server can do, not what it lets one address do.
unlimited="RATE_LIMIT_PER_MINUTE=0 RATE_LIMIT_PER_HOUR=0 RATE_LIMIT_AUTH_PER_MINUTE=0 WS_MESSAGES_PER_MINUTE=0 WS_PINGS_PER_MINUTE=0"
env $unlimited MAX_CONNECTIONS_PER_ADDRESS=0 DATA_DIR="$folder" PORT="$port" RUST_LOG=warn target/release/pneumatic >/dev/null &
server=$!
trap 'kill $server; wait $server || true; rm -rf "$folder"' EXIT
until PORT="$port" target/release/pneumatic healthcheck 2>/dev/null; do sleep 0.1; done
target/release/pneumatic-bench --server "127.0.0.1:$port" --pid "$server" "$@"
