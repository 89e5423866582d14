# To be sourced after server.sh: a PostgreSQL of one's own, as Debian installs it, with its defaults. `postgres_fresh` starts it if need
# be and empties it; it sets `postgres_url` and `postgres_pid`.
postgres_bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
postgres_home=
postgres_pid=

as_postgres() {
    if [ "$(id -u)" = 0 ]; then (cd "$postgres_home" && runuser -u postgres -- "$@"); else "$@"; fi
}

postgres_fresh() {
    if [[ -z $postgres_home ]]; then
        [[ -n $postgres_bin ]] || { echo "PostgreSQL isn't installed: apt-get install postgresql" >&2 && return 1; }
        postgres_home=$(mktemp -d)
        [ "$(id -u)" != 0 ] || chown postgres "$postgres_home"
        as_postgres "$postgres_bin/initdb" -D "$postgres_home/data" -U postgres -A trust -E UTF8 --locale=C >/dev/null
        postgres_port=$(free_ports 1)
        as_postgres "$postgres_bin/pg_ctl" -D "$postgres_home/data" -l "$postgres_home/log" -w -s \
            -o "-p $postgres_port -h 127.0.0.1 -k $postgres_home" start
        postgres_pid=$(head -1 "$postgres_home/data/postmaster.pid")
        trap 'stop; postgres_stop; rm -rf "$folder"' EXIT
    fi
    local psql=(psql -q -h 127.0.0.1 -p "$postgres_port" -U postgres)
    "${psql[@]}" -c "DROP DATABASE IF EXISTS bench WITH (FORCE)" -c "CREATE DATABASE bench" 2>/dev/null
    postgres_url=postgres://postgres@127.0.0.1:$postgres_port/bench
}

postgres_stop() {
    as_postgres "$postgres_bin/pg_ctl" -D "$postgres_home/data" -m immediate -s stop || true
    rm -rf "$postgres_home"
}
