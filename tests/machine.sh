# To be sourced: what scripts need of the machine. Debian's packages, Python's, and ports.
tools=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")/target/tools
missing=()
if [ "$(id -u)" = 0 ]; then as_root=(env); else as_root=(sudo); fi

# Notes that packages are missing where a program is: need PROGRAM PACKAGE…
need() { type -P "$1" >/dev/null || missing+=("${@:2}"); }
need_postgres() { ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing+=(postgresql); }
need_python() { python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv); }
need_faketime() { ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || missing+=(libfaketime); }

apt_install() {
    type -P apt-get >/dev/null && "${as_root[@]}" apt-get update -qq &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Installs what was noted.
install_missing() {
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "== installing ${missing[*]}"
    apt_install "${missing[@]}" || { echo "please install: ${missing[*]}" >&2; return 1; }
    missing=()
}

# Takes files out of one of Debian's packages, of which nothing is installed: out_of_package FOLDER PACKAGE FILE…
out_of_package() (
    echo "== taking ${*:3} out of $2"
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cd "$folder" && type -P apt-get >/dev/null || exit 1
    apt-get download -qq "$2" 2>/dev/null || { "${as_root[@]}" apt-get update -qq && apt-get download -qq "$2"; } || exit 1
    dpkg-deb --fsys-tarfile "$2"_*.deb | tar -x "${@:3}" && mkdir -p "$1" && mv "${@:3}" "$1"
)

# A Python with what a file asks for; made once, and anew when that has changed: venv FOLDER REQUIREMENTS
venv() {
    ! cmp -s "$2" "$1/requirements.txt" || return 0
    echo "== installing what $2 asks for"
    rm -rf "$1"
    python3 -m venv "$1"
    "$1/bin/pip" install --quiet --disable-pip-version-check --requirement "$2"
    cp "$2" "$1/requirements.txt"
}

# So many ports below those that the kernel hands out, all free a moment ago: free_ports N
free_ports() {
    python3 - "$1" <<'END'
import random, socket, sys

held = []
while len(held) < int(sys.argv[1]):
    one = socket.socket()
    try:
        one.bind(("127.0.0.1", random.randrange(20000, 32000)))
        held.append(one)
    except OSError:
        pass
print(*(one.getsockname()[1] for one in held))
END
}
