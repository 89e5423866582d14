# To be sourced after tests/machine.sh: a PostgreSQL of one's own, as Debian installs it. `postgres` is the folder of its programs, empty
# if there is none; `postgres_begin FOLDER` starts one in a new folder and sets `database` to its URL; `postgres_end` stops it.
postgres=$({ ls -d /usr/lib/postgresql/*/bin 2>/dev/null || true; } | sort -V | tail -n 1)
postgres_home=

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then (cd "$postgres_home" && runuser -u postgres -- "$@"); else "$@"; fi
}

# What follows the folder are options of the server. It is never killed, only who uses it: its fsync would only cost time.
postgres_begin() {
    local port
    mkdir "$1"
    postgres_home=$1
    if [ "$(id -u)" = 0 ]; then
        chmod 755 "$(dirname "$1")"
        chown postgres "$1"
    fi
    as_postgres "$postgres/initdb" -D "$1/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
    for _ in 1 2 3 4 5; do
        port=$(free_ports 1)
        database=postgres://postgres@127.0.0.1:$port/postgres
        as_postgres "$postgres/pg_ctl" -D "$1/data" -l "$1/log" -w -s \
            -o "-p $port -h 127.0.0.1 -k $1 -c fsync=off ${*:2}" start >/dev/null && return
    done
    tail -n 50 "$1/log" >&2
    return 1
}

postgres_end() {
    [ -z "$postgres_home" ] || as_postgres "$postgres/pg_ctl" -D "$postgres_home/data" -m immediate -s stop >/dev/null 2>&1 || true
}
