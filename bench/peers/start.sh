#!/usr/bin/env bash
# Starts a peer in the foreground; its files are in DIR. It prints `listening` when it is ready, and ends on SIGTERM:
# start.sh ws|ws-plain|socketio|bare|ejabberd PORT DIR
set -euo pipefail
name=${1:?which peer: ws, ws-plain, socketio, bare or ejabberd} port=${2:?which port} folder=${3:?which folder}
mkdir -p "$folder"
DATA_DIR=$(realpath "$folder")
export DATA_DIR PORT=$port
cd "$(dirname "$0")"
# A socket is a descriptor.
ulimit -n "$(ulimit -Hn)"
case $name in
    ws | socketio) exec node "$name/server.mjs" ;;
    # As simple servers do it: each message is a write of its own.
    ws-plain) WRITES=plain exec node ws/server.mjs ;;
    bare) exec "${CARGO_TARGET_DIR:-../../target}/release/pneumatic-bare" ;;
    ejabberd) exec ejabberd/start.sh ;;
    *) echo "no such peer: $name" >&2 && exit 2 ;;
esac
