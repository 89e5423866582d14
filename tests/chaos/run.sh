#!/usr/bin/env bash
# Torments a release build: 500 kills and 50,000 acknowledged messages, then every fault for five minutes, on SQLite and on
# PostgreSQL. Installs what it needs from Debian's packages where it is absent. With arguments: one run with these.
set -euo pipefail
cd "$(dirname "$0")/../.."

missing=()
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql)
ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing+=(libfaketime)
if [ ${#missing[@]} -gt 0 ]; then
    echo "== installing ${missing[*]}"
    if [ "$(id -u)" = 0 ]; then as_root=(env); else as_root=(sudo); fi
    command -v apt-get >/dev/null || { echo "please install: ${missing[*]}" >&2; exit 1; }
    export DEBIAN_FRONTEND=noninteractive
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

cargo build --release --locked -p pneumatic -p pneumatic-chaos
chaos=${CARGO_TARGET_DIR:-target}/release/pneumatic-chaos
if [ $# -gt 0 ]; then
    exec "$chaos" "$@"
fi
for database in sqlite postgres; do
    "$chaos" --database "$database" --faults kill --kills 500 --acknowledged 50000 --rate 0
    "$chaos" --database "$database" --seconds 300
done
