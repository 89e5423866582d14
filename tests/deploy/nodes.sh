#!/usr/bin/env bash
# Two nodes on PostgreSQL and Redis behind nginx with TLS, set as the systemd unit, its environment file and deploy/nginx/pneumatic.conf
# have it; two people talk through nginx, and go on when a node is taken away. tests/deploy/nodes.sh PROGRAM
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "${1:?which program?}")
source tests/deploy/tools.sh
source tests/deploy/postgres.sh
[ -n "$nginx" ] || { skipped "two nodes: there is no nginx"; exit 0; }
[ -n "$postgres" ] || { skipped "two nodes: PostgreSQL isn't installed (apt-get install postgresql)"; exit 0; }
type -P redis-server >/dev/null || { skipped "two nodes: Redis isn't installed (apt-get install redis-server)"; exit 0; }

stand
read -r first second plain_port proxy_port redis_port < <(free_ports 5)
postgres_begin "$folder/postgres"
redis-server --port "$redis_port" --bind 127.0.0.1 --save '' --appendonly no --dir "$folder" >/dev/null &
running+=($!)

# The unit's Environment= and the environment file, read as systemd would, for the port that stands after the @.
environment() {
    sed -n 's/^Environment=//p' 'deploy/systemd/pneumatic@.service' | sed "s/%i/$1/g; s|/var/lib|$folder|; s|:1$1|:0|" | tr ' ' '\n'
    sed -e '/^#/d' -e 's/^SECRET_KEY=.*/SECRET_KEY=0123456789abcdef0123456789abcdef/' deploy/systemd/pneumatic.env
    printf '%s\n' "DATABASE_URL=$database" "REDIS_URL=redis://127.0.0.1:$redis_port"
}
start=$(sed -n 's|^ExecStart=/usr/local/bin/pneumatic||p' 'deploy/systemd/pneumatic@.service')
for port in "$first" "$second"; do
    mkdir "$folder/$port"
    mapfile -t variables < <(environment "$port")
    # shellcheck disable=SC2086 # each is an argument
    (cd "$folder/$port" && exec env -i "${variables[@]}" "$program" $start >"$folder/$port/log" 2>&1) &
    running+=($!)
done

stage_site "$folder"
sed -i -e "s/127.0.0.1:8001/127.0.0.1:$first/; s/127.0.0.1:8002/127.0.0.1:$second/; /listen \[::\]/d" \
    -e "s/listen 80;/listen 127.0.0.1:$plain_port;/; s/listen 443 ssl;/listen 127.0.0.1:$proxy_port ssl;/" "$folder/pneumatic.conf"
until_ready "http://127.0.0.1:$first"
until_ready "http://127.0.0.1:$second"
"$nginx" -e "$folder/error.log" -c "$folder/nginx.conf" -g 'daemon off;' &
running+=($!)
site=https://127.0.0.1:$proxy_port
until_ready "$site"
"$python" tests/deploy/chat.py "$site" 127.0.0.2

end_well 1
echo "without the first node:"
"$python" tests/deploy/chat.py "$site" 127.0.0.2

end_well 2
curl --silent "http://127.0.0.1:$plain_port/ws?token=x" >/dev/null
no_tokens "$site" "$folder/pneumatic.log"
