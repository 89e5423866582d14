#!/usr/bin/env bash
# Runs Autobahn|Testsuite's fuzzing client, all 301 cases but compression, against a server of its own; takes about five minutes.
# PNEUMATIC=path takes another binary than the release build or else the debug build; PYTHON2=path is the CPython 2.7 that
# the suite needs: without one nothing is tested. The reports stay in target/autobahn.
set -euo pipefail
cd "$(dirname "$0")/../.."
source tests/machine.sh

skip() { printf 'SKIPPED: Autobahn needs %s\n' "$1" >&2; exit 0; }

# The newest that there is, on the path or of pyenv's.
find_python() { { command -v python2.7; ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7*/bin/python | sort -V; } 2>/dev/null | tail -n 1; }
python=${PYTHON2:-$(find_python || true)}
[ -n "$python" ] || skip 'CPython 2.7: `pyenv install 2.7.18`, or name one by PYTHON2'
"$python" -m pip --version >/dev/null 2>&1 || skip "pip for $python"
command -v curl >/dev/null || skip curl

builds=$(realpath "${CARGO_TARGET_DIR:-target}")
binary=${PNEUMATIC:-$builds/release/pneumatic}
[ -n "${PNEUMATIC:-}" ] || [ -x "$binary" ] || binary=$builds/debug/pneumatic
[ -x "$binary" ] || { echo "there is no $binary: build it by cargo build --release" >&2; exit 1; }
binary=$(realpath "$binary")

packages=$builds/tools/autobahn
needs=tests/autobahn/requirements.txt
if ! cmp -s "$needs" "$packages/requirements.txt"; then
    echo "installing autobahntestsuite"
    rm -rf "$packages"
    "$python" -m pip install --quiet --disable-pip-version-check --target "$packages" --requirement "$needs" ||
        skip "the packages of $needs, a C compiler among them"
    cp "$needs" "$packages/requirements.txt"
fi
CARGO_TARGET_DIR=$builds cargo build --quiet --release --locked --manifest-path tests/autobahn/Cargo.toml

folder=$(mktemp -d)
running=()
trap 'kill "${running[@]}" 2>/dev/null || true; wait; rm -rf "$folder"' EXIT
port=$(free_ports 1)
# The suite counts each ping as something said: none of the heartbeat's may come.
patient="HEARTBEAT_TIMEOUT=3600 ACCESS_TOKEN_EXPIRE_MINUTES=600"
unlimited="RATE_LIMIT_PER_MINUTE=0 RATE_LIMIT_PER_HOUR=0 RATE_LIMIT_AUTH_PER_MINUTE=0 WS_MESSAGES_PER_MINUTE=0 WS_PINGS_PER_MINUTE=0"
(cd "$folder" && exec env $patient $unlimited DATA_DIR="$folder" PORT="$port" RUST_LOG=error,actix_http=off "$binary" serve >/dev/null) &
running+=($!)
until (cd "$folder" && PORT="$port" "$binary" healthcheck) >/dev/null 2>&1; do
    kill -0 "${running[0]}" || exit 1
    sleep 0.1
done

call() { curl -sS --fail -H 'content-type: application/json' "http://127.0.0.1:$port$1" -d "$2"; }
call /auth/signup '{"username":"autobahn","password":"correct horse"}' >/dev/null
token=$(call /auth/login '{"username":"autobahn","password":"correct horse"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
"$builds/release/pneumatic-autobahn" "127.0.0.1:$port" "$token" >"$folder/adapter" &
running+=($!)
until [ -s "$folder/adapter" ]; do sleep 0.1; done

bound=65536
for extent in whole cut; do
    report=$builds/autobahn/$extent
    rm -rf "$report"
    mkdir -p "$report"
    echo "running Autobahn ($extent messages), report in $report/index.html"
    "$python" tests/autobahn/suite.py "$packages" "ws://$(cat "$folder/adapter")" "$report" "$bound" "$extent" >"$report/log" 2>&1 ||
        { tail -n 20 "$report/log" >&2; exit 1; }
done
"$python" tests/autobahn/summary.py "$builds/autobahn/whole" "$builds/autobahn/cut" "$bound"
