#!/usr/bin/env bash
# Prints in one line what a peer is made of: version.sh ws|ws-plain|socketio|bare|ejabberd
set -euo pipefail
cd "$(dirname "$0")"
package() { node -p "'$1 ' + JSON.parse(fs.readFileSync('node_modules/$1/package.json')).version"; }
case ${1:?which peer} in
    ws | ws-plain) echo "$(package ws), $(package better-sqlite3), Node $(node --version | tr -d v)" ;;
    socketio) echo "$(package socket.io), $(package better-sqlite3), Node $(node --version | tr -d v)" ;;
    bare) echo "mio $(sed -n '/^name = "mio"/{n;s/.*"\(.*\)"/\1/p}' ../../Cargo.lock)" ;;
    ejabberd) echo "ejabberd $(dpkg-query -W -f '${Version}' ejabberd), Erlang/OTP $(dpkg-query -W -f '${Version}' erlang-base | sed 's/^[0-9]*://; s/[+-].*//')" ;;
    *) echo "no such peer: $1" >&2 && exit 2 ;;
esac
