#!/usr/bin/env bash
# What an idle session costs: v2 sessions of users in 20 conversations, and v1 sessions of users without any. Each is
# measured three times, every time in a server that has just started. Arguments go to the load generator:
# bench/idle.sh --users 5000
set -euo pipefail
source "$(dirname "$0")/server.sh"

# Prints the lines of three runs, and leaves in `medians` the KiB a session: of all of them, and of the second half.
measure() {
    start
    "$bench" --server "127.0.0.1:$port" "$@" --scenario people --tokens "$folder/tokens"
    stop
    local all="" printed run
    for run in 1 2 3; do
        start
        printed=$("$bench" --server "127.0.0.1:$port" --pid "$server" "$@" --scenario idle --tokens "$folder/tokens")
        stop
        echo "$printed"
        all+=$(sed -n 's/.*kib_each \([0-9.-]*\)  kib_each_of_second_half \([0-9.-]*\).*/\1 \2/p' <<<"$printed")$'\n'
    done
    medians="$(middle 1 <<<"$all") $(middle 2 <<<"$all")"
}

middle() {
    awk -v column="$1" 'NF { print $column }' | sort -n | sed -n 2p
}

measure "$@"
asked=$medians
rm -rf "${folder:?}"/*
measure "$@" --speech v1 --conversations 0
awk '{
    printf "KiB a session, medians: %.2f as asked, %.2f of v1 without conversations, difference %.2f\n", $1, $3, $1 - $3
    printf "of the second half:     %.2f as asked, %.2f of v1 without conversations, difference %.2f\n", $2, $4, $2 - $4
}' <<<"$asked $medians"
