#!/usr/bin/env bash
# Starts Debian's ejabberd in the foreground: XMPP over WebSocket (RFC 7395) at /ws of PORT, its files in DATA_DIR, its archive in the
# PostgreSQL that DATABASE_URL names, whose database may be empty.
set -euo pipefail
: "${PORT:?which port}" "${DATA_DIR:?which folder}" "${DATABASE_URL:?postgres://user:password@host:port/database}"
here=$(cd "$(dirname "$0")" && pwd)
if ! command -v erl >/dev/null || ! ls /usr/lib/*/ejabberd-* >/dev/null 2>&1; then
    echo "ejabberd is absent: run bench/peers/install.sh ejabberd" >&2
    exit 1
fi
if [[ ! $DATABASE_URL =~ ^postgres(ql)?://([^:@/]+)(:([^@/]*))?@([^:/]+)(:([0-9]+))?/([^?]+)$ ]]; then
    echo "DATABASE_URL must be postgres://user:password@host:port/database" >&2
    exit 1
fi
psql --quiet --no-psqlrc "$DATABASE_URL" -tAc "SELECT to_regclass('archive')" | grep -q archive ||
    psql --quiet --no-psqlrc -v ON_ERROR_STOP=1 "$DATABASE_URL" --single-transaction -f /usr/share/ejabberd/sql/pg.sql >/dev/null
mkdir -p "$DATA_DIR"
cat >"$DATA_DIR/ejabberd.yml" <<END
define_macro:
  PORT: $PORT
  SQL_USERNAME: "${BASH_REMATCH[2]}"
  SQL_PASSWORD: "${BASH_REMATCH[4]}"
  SQL_SERVER: "${BASH_REMATCH[5]}"
  SQL_PORT: ${BASH_REMATCH[7]:-5432}
  SQL_DATABASE: "${BASH_REMATCH[8]}"
include_config_file: $here/ejabberd.yml
END
(
    until (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; do
        kill -0 $$ 2>/dev/null || exit
        sleep 0.1
    done
    echo listening
) &
export EJABBERD_CONFIG_PATH=$DATA_DIR/ejabberd.yml EJABBERD_LOG_PATH=$DATA_DIR/ejabberd.log ERL_CRASH_DUMP=$DATA_DIR/crash.dump
export ERL_LIBS
ERL_LIBS=$(dirname "$(ls -d /usr/lib/*/ejabberd-* | tail -n 1)")
options=(
    +K true +P 250000 +Q 65536
    # Schedulers that don't spin while they wait leave the processor to whoever needs it.
    +sbwt none +sbwtdcpu none +sbwtdio none
    # Without it each statement waits 40 ms for PostgreSQL to acknowledge its first half.
    -kernel inet_default_connect_options '[{nodelay,true}]' inet_default_listen_options '[{nodelay,true}]'
    -mnesia dir "\"$DATA_DIR/mnesia\""
)
exec erl -noinput "${options[@]}" -s ejabberd
