#!/usr/bin/env bash
# Everybody in one sitting: Pneumatic on SQLite and on PostgreSQL, and the peers. Each scenario is run with all of them in turn, RUNS
# times (3) for SECONDS (8) each; the results go to docs/BENCHMARKS.md with the plots beside it. PEERS and SCENARIOS choose:
# RUNS=1 PEERS="pneumatic-sqlite ws" SCENARIOS=fan-out bench/sitting.sh
set -euo pipefail
source "$(dirname "$0")/server.sh"
need_postgres
need node nodejs
install_missing
source bench/postgres.sh
runs=${RUNS:-3} seconds=${SECONDS_EACH:-8}
read -ra peers <<<"${PEERS:-pneumatic-sqlite pneumatic-postgres ws ws-plain socketio bare}"
read -ra scenarios <<<"${SCENARIOS:-fan-out steady one-room saturate post history idle}"
results=${RESULTS:-$folder/results.jsonl}
bench/peers/install.sh ws socketio bare
node --test bench/peers/contract.test.mjs >&2

say() { printf '\n== %s\n' "$*" >&2; }

# The load generator's arguments for a scenario.
arguments() {
    case $1 in
        fan-out) echo "--scenario fan-out" ;;
        steady) echo "--scenario fan-out --rate 50" ;;
        one-room) echo "--scenario fan-out --rooms 1 --members 1000 --in-flight 4" ;;
        saturate) echo "--scenario saturate" ;;
        post) echo "--scenario post --in-flight 32" ;;
        history) echo "--scenario history --in-flight 32" ;;
        idle) echo "--scenario idle --users 5000 --seconds 3" ;;
        *) echo "no such scenario: $1" >&2 && return 2 ;;
    esac
}

# Starts a peer; sets `port`, `server`, `pids` and `speech`.
begin() {
    rm -rf "${folder:?}/data" && mkdir "$folder/data"
    case $1 in
        pneumatic-sqlite) start && pids=$server speech=v1 ;;
        pneumatic-postgres)
            postgres_fresh
            DATABASE_URL=$postgres_url start
            pids=$server,$postgres_pid speech=v1
            ;;
        *)
            port=$(free_ports 1)
            bench/peers/start.sh "$1" "$port" "$folder/data" >"$folder/said" &
            server=$! pids=$server speech=plain
            [[ $1 != socketio ]] || speech=socket-io
            until grep -q listening "$folder/said"; do
                kill -0 "$server" 2>/dev/null || { echo "$1 doesn't start" >&2 && return 1; }
                sleep 0.1
            done
            ;;
    esac
}

# Starts it again on what it has stored.
again() {
    stop
    if [[ $1 == pneumatic-postgres ]]; then DATABASE_URL=$postgres_url start && pids=$server,$postgres_pid; else start && pids=$server; fi
}

version() {
    case $1 in
        pneumatic-*) "$release/pneumatic" --version ;;
        *) bench/peers/version.sh "$1" ;;
    esac
}

# What isn't asked of a peer: the bare one stores nothing.
skips() { [[ $1 == bare && $2 == history ]]; }

[[ -s $results ]] || bench/machine.sh >"$results"
for ((run = 1; run <= runs; run++)); do
    for scenario in "${scenarios[@]}"; do
        for peer in "${peers[@]}"; do
            skips "$peer" "$scenario" && continue
            say "run $run of $runs: $scenario, $peer"
            begin "$peer" || continue
            read -ra options <<<"$(arguments "$scenario")"
            if [[ $scenario == idle && $speech == v1 ]]; then
                "$bench" --server "127.0.0.1:$port" "${options[@]}" --scenario people --conversations 20 --tokens "$folder/tokens"
                options+=(--tokens "$folder/tokens")
                again "$peer"
                speech=v2
            fi
            "$bench" --server "127.0.0.1:$port" --pid "$pids" --speech "$speech" --seconds "$seconds" "${options[@]}" \
                --results "$results" --name "$scenario" --peer "$peer" --peer-version "$(version "$peer")" --run "$run" || say "$scenario, $peer: FAILED"
            stop
        done
    done
done
cargo run --quiet --release -p pneumatic-report -- "$results" --into docs
