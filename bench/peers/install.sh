#!/usr/bin/env bash
# Gets what the peers need: Node.js and packages of it, the bare broadcaster, Debian's ejabberd. What can't be had is said on standard
# error and left out. All, or those that are named: install.sh ws socketio bare ejabberd
set -euo pipefail
cd "$(dirname "$0")"
source ../../tests/machine.sh
wanted=" ${*:-ws socketio bare ejabberd} "

left_out() { printf '\n== %s: LEFT OUT: %s\n' "$1" "$2" >&2; }

# better-sqlite3 is compiled where its authors have nothing ready for this machine, or it can't be fetched.
node_packages() {
    ! cmp -s package-lock.json node_modules/installed || return 0
    need node nodejs libnode-dev
    need npm npm
    need g++ g++
    need make make
    need python3 python3
    install_missing || return 1
    if [ -e /usr/include/node/node.h ] && [ "$(command -v node)" = /usr/bin/node ]; then
        export npm_config_nodedir=/usr
    fi
    npm ci --no-audit --no-fund --loglevel=error &&
        node --input-type=module -e 'new (await import("better-sqlite3")).default(":memory:")' &&
        cp package-lock.json node_modules/installed
}

# The package starts a service of its own, which isn't wanted.
ejabberd() {
    ls /usr/lib/*/ejabberd-* >/dev/null 2>&1 && command -v psql >/dev/null && dpkg -s erlang-p1-pgsql >/dev/null 2>&1 && return
    apt_install ejabberd erlang-p1-pgsql postgresql-client || return 1
    "${as_root[@]}" systemctl disable --now ejabberd >/dev/null 2>&1 || true
}

if [[ $wanted == *" ws "* || $wanted == *" ws-plain "* || $wanted == *" socketio "* ]]; then
    node_packages || left_out "ws, socketio" "they need Node.js, npm and a C++ compiler, and their packages"
fi
if [[ $wanted == *" bare "* ]]; then
    cargo build --quiet --release --locked --package pneumatic-bare
fi
if [[ $wanted == *" ejabberd "* ]]; then
    ejabberd || left_out ejabberd "it needs Debian's packages ejabberd and erlang-p1-pgsql"
fi
