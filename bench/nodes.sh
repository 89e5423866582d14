#!/usr/bin/env bash
# Starts some nodes on the PostgreSQL and the Redis that DATABASE_URL and REDIS_URL name, loads them, prints the figures. NODES says how
# many; PIDS, separated by commas, are processes of the two that are to be counted as well. Arguments go to the load generator:
# NODES=2 bench/nodes.sh --scenario crossing
set -euo pipefail
: "${DATABASE_URL:?must name an empty database}" "${REDIS_URL:?must name a Redis}"
export DATABASE_URL REDIS_URL
source "$(dirname "$0")/server.sh"
ports=() servers=()
trap 'kill "${servers[@]}"; wait; rm -rf "$folder"' EXIT
for _ in $(seq "${NODES:-2}"); do
    start
    ports+=("127.0.0.1:$port") servers+=("$server")
done
others=$(IFS=,; echo "${ports[*]:1}")
pids=$(IFS=,; echo "${servers[*]}${PIDS:+,$PIDS}")
"$bench" --server "${ports[0]}" ${others:+--others "$others"} --pid "$pids" "$@"
