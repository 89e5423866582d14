#!/usr/bin/env bash
# What pages and catching up cost with 10³ to 10⁶ messages stored, how long such a server takes to be ready, and what a delivery costs
# with 100 to 10,000 sockets. The results go to RESULTS, if that is set. Arguments go to the load generator:
# bench/growth.sh --past 1000,100000
set -euo pipefail
results=${RESULTS:+$(realpath -m "$RESULTS")}
source "$(dirname "$0")/server.sh"
start
"$bench" --server "127.0.0.1:$port" --pid "$server" --scenario growth --seconds 5 --peer pneumatic-sqlite ${results:+--results "$results"} "$@"
stop
since=$(date +%s%N)
start
echo "ready after $((($(date +%s%N) - since) / 1000000)) ms"
stop
for rooms in 5 50 500; do
    rm -rf "${folder:?}/data"
    start
    echo "$((rooms * 20)) sockets:"
    "$bench" --server "127.0.0.1:$port" --pid "$server" --scenario fan-out --rooms "$rooms" --rate 500 --peer pneumatic-sqlite \
        --name "sockets-$((rooms * 20))" ${results:+--results "$results"}
    stop
done
