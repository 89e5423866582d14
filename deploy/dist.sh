#!/usr/bin/env bash
# Builds what is shipped: a stripped binary for glibc 2.34, which is Amazon Linux 2023's, and every newer one; with it a bundle
# for Elastic Beanstalk (zip) and an archive with the systemd unit (tar.gz), in target/bundle. For this machine's processor, or
# for the one that is asked for: deploy/dist.sh aarch64
set -euo pipefail
cd "$(dirname "$0")/.."

arch=${1:-$(uname -m)}
[ "$arch" != arm64 ] || arch=aarch64
glibc=2.34
most_bytes=25000000
target=$arch-unknown-linux-gnu
builds=$(realpath -m "${CARGO_TARGET_DIR:-target}")
die() { echo "dist: $*" >&2; exit 1; }

case $arch in x86_64 | aarch64) ;; *) die "no bundle is made for $arch: x86_64 or aarch64" ;; esac
if [ "$arch" != "$(uname -m)" ] && ! [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    die "Rust can't build for $arch here: rustup target add $target"
fi
source tests/machine.sh
need zip zip
need readelf binutils
need cc gcc
need_python
[ ${#missing[@]} -eq 0 ] || die "please install ${missing[*]}"

# Zig has the symbols of every glibc, so the binary doesn't depend on that of the machine that builds it.
venv "$tools/zig" deploy/requirements.txt

# `--version` and the metric pneumatic_build_info tell it.
PNEUMATIC_COMMIT=${PNEUMATIC_COMMIT:-$(git describe --always --dirty --abbrev=12 --exclude '*' 2>/dev/null || echo unknown)}
export PNEUMATIC_COMMIT
PATH="$tools/zig/bin:$PATH" cargo zigbuild --locked --profile dist --package pneumatic --bin pneumatic --target "$target.$glibc"
binary=$builds/$target/dist/pneumatic

# What it asks of the machine: no newer glibc, and no other library than what every system has.
newest=$(readelf --dyn-syms --wide "$binary" | grep -o '@GLIBC_[0-9.]*' | sed 's/.*_//' | sort -uV | tail -n 1)
[ "$(printf '%s\n' "$newest" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] || die "it needs glibc $newest; Amazon Linux 2023 has $glibc"
needed=$(readelf --dynamic --wide "$binary" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort)
strangers=$(grep -vE '^(libc|libm|libdl|libpthread|librt|libgcc_s|ld-linux-[a-z0-9-]+)\.so\.[0-9]$' <<<"$needed" || true)
[ -z "$strangers" ] || die "it needs ${strangers//$'\n'/, }, which isn't everywhere"
bytes=$(stat --format %s "$binary")
[ "$bytes" -le "$most_bytes" ] || die "the binary has $bytes bytes; $most_bytes are allowed"
! readelf --sections --wide "$binary" | grep -q '\.debug_info' || die "the binary isn't stripped"
if [ "$arch" = "$(uname -m)" ]; then
    "$binary" --version | grep --fixed-strings "($PNEUMATIC_COMMIT)" || die "--version doesn't tell the commit $PNEUMATIC_COMMIT"
fi

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
name=pneumatic-$version-$arch
out=$builds/bundle
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
rm -f "$out/$name-beanstalk.zip" "$out/$name.tar.gz"

mkdir -p "$work/beanstalk/bin"
cp "$binary" "$work/beanstalk/bin/pneumatic"
cp -r Procfile .ebextensions .platform LICENSE "$work/beanstalk"
(cd "$work/beanstalk" && zip --quiet -9 --recurse-paths -X "$out/$name-beanstalk.zip" .)

mkdir "$work/$name"
cp "$binary" deploy/systemd/pneumatic@.service deploy/systemd/pneumatic.env deploy/nginx/pneumatic.conf LICENSE "$work/$name"
tar --create --gzip --file "$out/$name.tar.gz" --directory "$work" --owner 0 --group 0 "$name"

echo "glibc: at most $newest; libraries: ${needed//$'\n'/ }"
for file in "$binary" "$out/$name-beanstalk.zip" "$out/$name.tar.gz"; do
    printf '%6.1f MB  %s\n' "$(($(stat --format %s "$file") / 100000))e-1" "$file"
done
