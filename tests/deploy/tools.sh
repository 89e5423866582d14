# To be sourced in the repository's root, with postgres.sh: what the checks of deployments need, in target/tools. `nginx` is a path,
# empty if there is none.
source tests/machine.sh
need curl curl
need openssl openssl
need unzip unzip
need_python
install_missing
venv "$tools/deploy" tests/deploy/requirements.txt
python=$tools/deploy/bin/python

# Says what isn't tested. With REQUIRE set that is a failure.
skipped() {
    printf 'SKIPPED: %s\n' "$*" >&2
    [ -z "${REQUIRE:-}" ] || exit 1
}

# nginx is taken out of its package: installing it would start one on port 80.
nginx=$(type -P nginx || echo "$tools/nginx/nginx")
mime_types=/etc/nginx/mime.types
[ -e "$mime_types" ] || mime_types=$tools/nginx/mime.types
if ! [ -x "$nginx" ] || ! [ -e "$mime_types" ]; then
    out_of_package "$tools/nginx" nginx ./usr/sbin/nginx && out_of_package "$tools/nginx" nginx-common ./etc/nginx/mime.types || true
fi
"$nginx" -v 2>/dev/null || nginx=

# A folder for a test and for what it has running, all of which ends with the script.
stand() {
    folder=$(mktemp -d)
    running=()
    trap stop EXIT
}

# Who takes longer than SHUTDOWN_TIMEOUT allows is killed: end PID…
end() {
    local limit=$((SECONDS + 40))
    kill "$@" 2>/dev/null || true
    # True while any of them lives.
    while kill -0 "$@" 2>/dev/null && ((SECONDS < limit)); do sleep 0.1; done
    kill -KILL "$@" 2>/dev/null || true
}

# Of a test that failed the logs are shown.
stop() {
    local status=$?
    end "${running[@]}"
    wait
    postgres_end
    [ "$status" = 0 ] || find "$folder" -name data -prune -o -name '*log' -type f -exec tail -v -n 50 {} + >&2
    rm -rf "$folder"
}

# SIGTERM ends what runs at a place of `running`, and it says that all was well: end_well PLACE
end_well() {
    local pid=${running[$1]}
    unset "running[$1]"
    end "$pid"
    wait "$pid" || { echo "SIGTERM ended it with $?" >&2 && return 1; }
    echo "stopped by SIGTERM with 0"
}

# Waits until a server says that it is ready, while all that runs does: until_ready URL
until_ready() {
    local limit=$((SECONDS + 60)) answer pid
    until answer=$(curl --silent --insecure --max-time 5 "$1/ready") && [[ $answer == *'"ready"'* ]]; do
        for pid in "${running[@]}"; do
            kill -0 "$pid" 2>/dev/null || { echo "$1: the process $pid has ended" >&2 && return 1; }
        done
        ((SECONDS < limit)) || { echo "$1/ready isn't, after 60 s: $answer" >&2 && return 1; }
        sleep 0.1
    done
    echo "GET $1/ready: $answer"
}

# Makes a configuration fit a folder instead of the machine: fit FOLDER FILE…
fit() {
    local folder=$1 temporary="" kind
    shift
    for kind in client_body proxy fastcgi uwsgi scgi; do temporary+="${kind}_temp_path $folder/$kind; "; done
    sed -i -e '/^user /d' -e "s|/var/log/nginx|$folder|g" -e "s|/var/run/nginx.pid|$folder/pid|" -e "s|/etc/nginx/mime.types|$mime_types|" \
        -e "s|/etc/ssl/pneumatic|$folder|g" -e "s|/dev/stdout|$folder/access.log|" -e 's|^\( *worker_rlimit_nofile\).*||' \
        -e "s|^http {|& $temporary|" -e 's|^\( *worker_connections *\)[0-9]*|\11000|' "$@"
}

# The configuration of an Elastic Beanstalk instance, as its platform puts it together from ours: stage FOLDER .PLATFORM [NGINX.CONF]
stage() {
    mkdir -p "$1/healthd"
    cp -r "$2/nginx/conf.d" "$1"
    cp "${3:-$2/nginx/nginx.conf}" "$1/nginx.conf"
    cp tests/deploy/platform/healthd_logformat.conf "$1/conf.d"
    cp tests/deploy/platform/00_application.conf tests/deploy/platform/healthd.conf "$1/conf.d/elasticbeanstalk"
    fit "$1" "$1"/nginx.conf "$1"/conf.d/elasticbeanstalk/*.conf
}

# An nginx with nothing but deploy/nginx/pneumatic.conf, and a certificate for it: stage_site FOLDER
stage_site() {
    cp deploy/nginx/pneumatic.conf "$1"
    echo "pid $1/pid; error_log $1/error.log; events {}
http {
    access_log $1/access.log;
    include $1/pneumatic.conf; }" >"$1/nginx.conf"
    fit "$1" "$1/nginx.conf" "$1/pneumatic.conf"
    openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=chat.example.org -keyout "$1/privkey.pem" -out "$1/fullchain.pem" 2>/dev/null
}

# That nginx, behind which nothing is left, writes of sockets and of what failed, but nothing writes what a socket was opened with:
# no_tokens SITE LOG, beside which is error.log
no_tokens() {
    curl --silent --insecure "$1/ws?token=x" "$1/api/v1/ws?token=x" "$1/health" >/dev/null
    grep -q 'GET /ws' "$2" || { echo "nginx logged no socket" >&2 && return 1; }
    grep -q 'request: "GET /health ' "$(dirname "$2")/error.log" || { echo "nginx logged no failure" >&2 && return 1; }
    ! grep -r --include='*log' --exclude-dir=data 'token=' "$folder" >&2 || { echo "a token is in a log" >&2 && return 1; }
}
