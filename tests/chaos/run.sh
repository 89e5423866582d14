#!/usr/bin/env bash
# Torments a release build: 500 kills and 50,000 acknowledged messages, then every fault for five minutes, on SQLite and on
# PostgreSQL. Installs what it needs from Debian's packages where it is absent. With arguments: one run with these.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/machine.sh
need_postgres
need_faketime
install_missing

cargo build --release --locked -p pneumatic -p pneumatic-chaos
chaos=${CARGO_TARGET_DIR:-target}/release/pneumatic-chaos
if [ $# -gt 0 ]; then
    exec "$chaos" "$@"
fi
for database in sqlite postgres; do
    "$chaos" --database "$database" --faults kill --kills 500 --acknowledged 50000 --rate 0
    "$chaos" --database "$database" --seconds 300
done
