#!/usr/bin/env bash
# Runs every test. Installs what they need from Debian's packages where it is absent, and starts a PostgreSQL of
# their own that is gone afterwards. `tests/run.sh NAME…` hands the names to the integration tests as filters.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/machine.sh

say() { printf '\n== %s\n' "$*"; }

need_postgres
need_faketime
need_python
need chromium chromium
need chromedriver chromium-driver
need node nodejs
need redis-server redis-server
need openssl openssl
need curl curl
need kill procps
need valgrind valgrind libc6-dbg
install_missing

# Of Prometheus only the checker is needed.
export PATH="$PATH:$tools"
type -P promtool >/dev/null || out_of_package "$tools" prometheus ./usr/bin/promtool ||
    { echo "please install promtool, which belongs to Prometheus" >&2; exit 1; }

# What compares the server with its description, and what judges whether everyone can use the pages.
venv "$tools/schemathesis" tests/schemathesis/requirements.txt
if ! cmp -s tests/axe/requirements.txt "$tools/axe/requirements.txt"; then
    # One script, of which the package is only the wrapping.
    rm -rf "$tools/axe"
    "$tools/schemathesis/bin/pip" install --quiet --disable-pip-version-check --no-deps --target "$tools/axe" --requirement tests/axe/requirements.txt
    cp tests/axe/requirements.txt "$tools/axe/requirements.txt"
fi

say "starting PostgreSQL"
source tests/deploy/postgres.sh
folder=$(mktemp -d)
trap 'postgres_end; rm -rf "$folder"' EXIT
export TEST_DATABASE_CERT=$folder/cert.pem
printf '%s\n' '[req]' distinguished_name=name x509_extensions=own '[name]' '[own]' subjectAltName=IP:127.0.0.1 basicConstraints=CA:FALSE \
    >"$folder/openssl.cnf"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -config "$folder/openssl.cnf" \
    -keyout "$folder/key.pem" -out "$folder/cert.pem" 2>/dev/null
chmod 600 "$folder/key.pem"
[ "$(id -u)" != 0 ] || chown postgres "$folder/key.pem"
postgres_begin "$folder/postgres" -c max_connections=400 -c ssl=on "-c ssl_cert_file=$folder/cert.pem" "-c ssl_key_file=$folder/key.pem"
export TEST_DATABASE_URL=$database

if [ $# -gt 0 ]; then
    cargo test --test it -- "$@"
    exit
fi

say "watching"
(cd deploy/prometheus && promtool check rules alerts.yml && promtool check config prometheus.yml && promtool test rules alerts.test.yml)
deploy/grafana/check.py

say "deployments"
export REQUIRE=1
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
