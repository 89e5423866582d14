# To be sourced in the repository's root: what the checks of deployments need, in target/tools. `nginx` is a path, empty if there is none.
builds=$(realpath -m "${CARGO_TARGET_DIR:-target}")
tools=$builds/tools
if [ "$(id -u)" = 0 ]; then as_root=(env); else as_root=(sudo); fi

missing=()
command -v curl >/dev/null || missing+=(curl)
command -v openssl >/dev/null || missing+=(openssl)
command -v unzip >/dev/null || missing+=(unzip)
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null || { echo "please install: ${missing[*]}" >&2; exit 1; }
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

skipped() { printf 'SKIPPED: %s\n' "$*" >&2; }

# Python and what of it comes from PyPI; made once, and anew when what it needs has changed.
python=$tools/deploy/bin/python
if ! cmp -s tests/deploy/requirements.txt "$tools/deploy/requirements.txt"; then
    rm -rf "$tools/deploy"
    python3 -m venv "$tools/deploy"
    "$tools/deploy/bin/pip" install --quiet --disable-pip-version-check --requirement tests/deploy/requirements.txt
    cp tests/deploy/requirements.txt "$tools/deploy/requirements.txt"
fi

# nginx is taken out of its package: installing it would start one on port 80.
fetch_nginx() (
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cd "$folder"
    command -v apt-get >/dev/null || exit 1
    apt-get download -qq nginx nginx-common 2>/dev/null ||
        { "${as_root[@]}" apt-get update -qq && apt-get download -qq nginx nginx-common; } || exit 1
    for package in *.deb; do dpkg-deb --extract "$package" .; done
    mkdir -p "$tools/nginx"
    mv usr/sbin/nginx etc/nginx/mime.types "$tools/nginx"
)
nginx=$(command -v nginx || echo "$tools/nginx/nginx")
[ -x "$nginx" ] || fetch_nginx || true
"$nginx" -v 2>/dev/null || nginx=
mime_types=/etc/nginx/mime.types
[ -e "$mime_types" ] || mime_types=$tools/nginx/mime.types

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
    fit "$1" "$1"/nginx.conf "$1"/conf.d/elasticbeanstalk/healthd.conf
}

# That sockets are in nginx's log, and what they were opened with isn't: no_tokens LOG
no_tokens() {
    grep -q 'GET /ws' "$1" || { echo "nginx logged no socket" >&2 && return 1; }
    ! grep -q 'token=' "$1" || { echo "nginx wrote a token to its log" >&2 && return 1; }
}
