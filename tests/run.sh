#!/usr/bin/env bash
# Runs every test. Installs what they need from Debian's packages where it is absent, and starts a PostgreSQL of
# their own that is gone afterwards. `tests/run.sh NAME…` hands the names to the integration tests as filters.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n== %s\n' "$*"; }

bin_of_postgres() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1; }

missing=()
[ -n "$(bin_of_postgres)" ] && [ -x "$(bin_of_postgres)/initdb" ] || missing+=(postgresql)
command -v chromium >/dev/null || missing+=(chromium)
command -v chromedriver >/dev/null || missing+=(chromium-driver)
command -v node >/dev/null || missing+=(nodejs)
command -v redis-server >/dev/null || missing+=(redis-server)
command -v openssl >/dev/null || missing+=(openssl)
command -v curl >/dev/null || missing+=(curl)
command -v valgrind >/dev/null || missing+=(valgrind libc6-dbg)
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing+=(libfaketime)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ "$(id -u)" = 0 ]; then as_root=(env); else as_root=(sudo); fi
if [ ${#missing[@]} -gt 0 ]; then
    say "installing ${missing[*]}"
    command -v apt-get >/dev/null || { echo "please install: ${missing[*]}" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

# Of Prometheus only the checker is needed: it is taken out of the package, and nothing is installed.
fetch_promtool() (
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cd "$folder"
    apt-get download -qq prometheus 2>/dev/null || { "${as_root[@]}" apt-get update -qq; apt-get download -qq prometheus; }
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x ./usr/bin/promtool && mkdir -p "$tools" && mv usr/bin/promtool "$tools/promtool"
)
tools=$PWD/target/tools
export PATH="$PATH:$tools"
if ! command -v promtool >/dev/null; then
    say "fetching promtool"
    fetch_promtool || { echo "please install promtool, which belongs to Prometheus" >&2; exit 1; }
fi

# What compares the server with its description; made once, and anew when what it needs has changed.
needs=tests/schemathesis/requirements.txt
if ! cmp -s "$needs" "$tools/schemathesis/requirements.txt"; then
    say "installing schemathesis"
    rm -rf "$tools/schemathesis"
    python3 -m venv "$tools/schemathesis"
    "$tools/schemathesis/bin/pip" install --quiet --disable-pip-version-check --requirement "$needs"
    cp "$needs" "$tools/schemathesis/requirements.txt"
fi

# What judges whether everyone can use the pages: one script, of which the package is only the wrapping.
needs=tests/axe/requirements.txt
if ! cmp -s "$needs" "$tools/axe/requirements.txt"; then
    say "fetching axe"
    rm -rf "$tools/axe"
    "$tools/schemathesis/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$tools/axe" --requirement "$needs"
    cp "$needs" "$tools/axe/requirements.txt"
fi

# PostgreSQL refuses to run as root.
postgres=$(bin_of_postgres)
folder=$(mktemp -d)
if [ "$(id -u)" = 0 ]; then
    chown postgres "$folder"
    as_postgres() { (cd "$folder" && runuser -u postgres -- "$@"); }
else
    as_postgres() { "$@"; }
fi
stop() {
    as_postgres "$postgres/pg_ctl" -D "$folder/data" -m immediate -s stop >/dev/null 2>&1 || true
    rm -rf "$folder"
}
trap stop EXIT

say "starting PostgreSQL"
as_postgres "$postgres/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C >/dev/null
printf '%s\n' '[req]' distinguished_name=name x509_extensions=own '[name]' '[own]' subjectAltName=IP:127.0.0.1 basicConstraints=CA:FALSE \
    >"$folder/openssl.cnf"
as_postgres openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -config "$folder/openssl.cnf" \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
as_postgres chmod 600 "$folder/key.pem"
chmod 755 "$folder"
export TEST_DATABASE_CERT=$folder/cert.pem
# The tests kill Pneumatic, never PostgreSQL: its fsync would only cost time.
for _ in 1 2 3 4 5; do
    port=$(shuf -i 20000-32000 -n 1)
    options="-p $port -h 127.0.0.1 -k $folder -c fsync=off -c max_connections=400 -c ssl=on -c ssl_cert_file=$folder/cert.pem -c ssl_key_file=$folder/key.pem"
    if as_postgres "$postgres/pg_ctl" -D "$folder/data" -l "$folder/log" -o "$options" -w -s start; then
        export TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
        break
    fi
done
[ -n "${TEST_DATABASE_URL:-}" ] || { cat "$folder/log" >&2; exit 1; }

if [ $# -gt 0 ]; then
    cargo test --test it -- "$@"
    exit
fi

say "watching"
(cd deploy/prometheus && promtool check rules alerts.yml && promtool check config prometheus.yml && promtool test rules alerts.test.yml)
deploy/grafana/check.py

say "deployments"
deploy/check.sh

say "browser models"
node --test tests/js/*.test.js

say "server"
cargo test --workspace
# The fuzz targets are a workspace of their own, whose lock has to follow.
cargo update --workspace --locked --quiet --manifest-path tests/fuzz/Cargo.toml

say "behind nginx: Elastic Beanstalk's bundle, and two nodes"
tests/deploy/bundle.sh "${CARGO_TARGET_DIR:-target}/debug/pneumatic"
tests/deploy/nodes.sh "${CARGO_TARGET_DIR:-target}/debug/pneumatic"

# Briefly, what `make chaos` does at length.
for database in sqlite postgres; do
    say "chaos, on $database"
    cargo run --quiet -p pneumatic-chaos -- --database "$database" --seed 1 --seconds 25 --lenience 5
done
