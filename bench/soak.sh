#!/usr/bin/env bash
# People come, talk and go for SECONDS_EACH seconds (7200), at a server of its own on SQLite: memory, descriptors and actors over time.
# The results go to RESULTS, if that is set: RESULTS=results.jsonl SECONDS_EACH=600 bench/soak.sh --users 400
set -euo pipefail
results=${RESULTS:+$(realpath -m "$RESULTS")}
source "$(dirname "$0")/server.sh"
start
"$bench" --server "127.0.0.1:$port" --pid "$server" --scenario soak --users 200 --seconds "${SECONDS_EACH:-7200}" --peer pneumatic-sqlite \
    ${results:+--results "$results"} "$@"
