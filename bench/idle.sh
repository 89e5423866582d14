#!/usr/bin/env bash
# What an idle session costs: v2 sessions of users in 20 conversations, and v1 sessions of users without any. Each is
# measured three times, every time in a server that has just started. Arguments go to the load generator:
# bench/idle.sh --sockets 500 --users 500
set -euo pipefail
source "$(dirname "$0")/server.sh"

# Prints the lines of three runs; keeps the median of the KiB a session in `median`.
measure() {
    start
    "$bench" --server "127.0.0.1:$port" "$@" --scenario people --tokens "$folder/tokens"
    stop
    local lines="" run
    for run in 1 2 3; do
        start
        lines+=$("$bench" --server "127.0.0.1:$port" --pid "$server" "$@" --scenario idle --tokens "$folder/tokens" | tee /dev/stderr)$'\n'
        stop
    done
    median=$(sed -n 's/.*KiB a session \([0-9.-]*\),.*/\1/p' <<<"$lines" | sort -n | sed -n 2p)
}

measure "$@"
with=$median
rm -rf "${folder:?}"/*
measure "$@" --dialect v1 --conversations 0
awk -v with="$with" -v without="$median" 'BEGIN {
    printf "KiB a session, medians: %.2f as asked, %.2f of v1 without conversations, difference %.2f\n", with, without, with - without
}'
