#!/usr/bin/env bash
# Starts a server of its own on an empty SQLite database, loads it, prints the figures. Arguments go to the load
# generator: bench/run.sh --scenario post --in-flight 32
set -euo pipefail
if [[ " $* " == *" --scenario idle "* ]]; then
    exec "$(dirname "$0")/idle.sh" "$@"
fi
source "$(dirname "$0")/server.sh"
start
"$bench" --server "127.0.0.1:$port" --pid "$server" "$@"
