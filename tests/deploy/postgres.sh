# To be sourced: a PostgreSQL of one's own, as Debian installs it. `postgres_begin FOLDER` starts it and sets `database` to its URL;
# `postgres_end` stops it.
postgres=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
postgres_home=

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then (cd "$postgres_home" && runuser -u postgres -- "$@"); else "$@"; fi
}

postgres_begin() {
    local port
    port=$(shuf -i 20000-32000 -n 1)
    mkdir "$1"
    postgres_home=$1
    if [ "$(id -u)" = 0 ]; then
        chmod 755 "$(dirname "$1")"
        chown postgres "$1"
    fi
    as_postgres "$postgres/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --locale=C >/dev/null
    as_postgres "$postgres/pg_ctl" -D "$1/data" -l "$1/log" -w -s -o "-p $port -h 127.0.0.1 -k $1" start >/dev/null
    database=postgres://postgres@127.0.0.1:$port/postgres
}

postgres_end() {
    [ -z "$postgres_home" ] || as_postgres "$postgres/pg_ctl" -D "$postgres_home/data" -m immediate -s stop >/dev/null 2>&1 || true
}
