#!/usr/bin/env bash
# Checks all that deploys Pneumatic, as far as that is possible without a cloud, a container engine and a cluster. What can't be checked
# here is said. What it needs is fetched to target/tools.
set -euo pipefail
cd "$(dirname "$0")/.."
source tests/deploy/tools.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "scripts"
for script in deploy/*.sh tests/*.sh tests/*/*.sh bench/*.sh bench/*/*.sh; do bash -n "$script"; done

echo "Elastic Beanstalk"
"$python" tests/deploy/beanstalk.py .

echo "settings, mounts"
"$python" tests/deploy/settings.py

echo "Compose, workflow"
fits() { "$tools/deploy/bin/check-jsonschema" --builtin-schema "vendor.$1" "$2" >"$work/said" 2>&1 || { cat "$work/said" >&2 && return 1; }; }
fits compose-spec deploy/compose.yaml
fits github-workflows .github/workflows/ci.yml

echo "Kubernetes"
sed 's/#+ //' deploy/kubernetes/horizontalpodautoscaler.yaml >"$work/by-sockets.yaml"
grep -q 'type: Pods$' "$work/by-sockets.yaml" || { echo "horizontalpodautoscaler.yaml: the marks #+ hide no metric" >&2 && exit 1; }
"$tools/deploy/bin/kubernetes-validate" --strict --quiet deploy/kubernetes/*.yaml "$work/by-sockets.yaml"

test_nginx() { "$nginx" -t -q -e stderr -c "$1" || { echo "nginx refuses $2" >&2 && return 1; }; }
if [ -n "$nginx" ]; then
    echo "nginx"
    stage "$work/ours" .platform
    test_nginx "$work/ours/nginx.conf" .platform/nginx
    stage "$work/theirs" .platform tests/deploy/platform/nginx.conf
    test_nginx "$work/theirs/nginx.conf" ".platform/nginx/conf.d with the platform's own nginx.conf"

    # The names of other containers mean nothing here.
    sed 's/pneumatic-[12]:/127.0.0.1:/' deploy/nginx/compose.conf >"$work/compose.conf"
    fit "$work" "$work/compose.conf"
    test_nginx "$work/compose.conf" deploy/nginx/compose.conf

    stage_site "$work"
    test_nginx "$work/nginx.conf" deploy/nginx/pneumatic.conf
else
    skipped "the nginx configurations: there is no nginx"
fi

if command -v systemd-analyze >/dev/null; then
    echo "systemd"
    # A program that is there in place of the one that isn't installed.
    sed 's|^ExecStart=/usr/local/bin/pneumatic|ExecStart=/bin/true|' deploy/systemd/pneumatic@.service >"$work/pneumatic@.service"
    # What it has against this machine's own units is none of ours.
    systemd-analyze verify --man=no "$work/pneumatic@8000.service" >"$work/said" 2>&1 || { cat "$work/said" >&2 && exit 1; }
    ! grep -F pneumatic@ "$work/said" >&2 || exit 1
    systemd-analyze security --offline=true --threshold=20 "$work/pneumatic@.service" >"$work/exposure" 2>&1 ||
        { tail -n 3 "$work/exposure" >&2 && exit 1; }
else
    REQUIRE='' skipped "the systemd unit: there is no systemd-analyze"
fi

if docker buildx version >/dev/null 2>&1 && docker info >/dev/null 2>&1; then
    echo "Dockerfile"
    docker build --quiet --check . >/dev/null
else
    REQUIRE='' skipped "the Dockerfile beyond its sources: there is no docker buildx with an engine"
fi
