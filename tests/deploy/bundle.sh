#!/usr/bin/env bash
# The bundle for Elastic Beanstalk as an instance would run it: unpacked in an empty folder, with nothing set but PORT, DATABASE_URL and
# SECRET_KEY, started by its Procfile, behind an nginx with its .platform files; then two people talk through it.
# tests/deploy/bundle.sh BUNDLE.zip, or a program that is put into a bundle first. Starts a PostgreSQL of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
given=$(realpath "${1:?which bundle, or which program?}")
source tests/deploy/tools.sh
source tests/deploy/postgres.sh
[ -n "$nginx" ] || { skipped "the bundle: there is no nginx"; exit 0; }
[ -n "$postgres" ] || { skipped "the bundle: PostgreSQL isn't installed (apt-get install postgresql)"; exit 0; }

stand
mkdir "$folder/app" "$folder/nginx"
if [[ $given == *.zip ]]; then
    (cd "$folder/app" && unzip -q "$given")
else
    mkdir "$folder/app/bin"
    cp "$given" "$folder/app/bin/pneumatic"
    cp -r Procfile .ebextensions .platform "$folder/app"
fi
"$python" tests/deploy/beanstalk.py "$folder/app"

read -r app_port proxy_port < <(free_ports 2)
postgres_begin "$folder/postgres"
set_alone=(PATH="$PATH" PORT="$app_port" SECRET_KEY="a key that is long enough to be one" DATABASE_URL="$database")

# What the leader does before the others are replaced, then what every instance does.
commands=$folder/app/.ebextensions/04-migrate.config
migrate=$("$python" -c 'import sys, yaml; print(yaml.safe_load(open(sys.argv[1]))["container_commands"]["02_migrate"]["command"])' "$commands")
(cd "$folder/app" && env -i "${set_alone[@]}" sh -c "$migrate" 2>"$folder/migrate.log")
web=$(sed -n 's/^web: *//p' "$folder/app/Procfile")
(cd "$folder/app" && exec env -i "${set_alone[@]}" sh -c "exec $web" >"$folder/app.log" 2>&1) &
running+=($!)

# In place of the platform: its port 5000 is ours, its port 80 another; 127.0.0.3 plays the balancer.
stage "$folder/nginx" "$folder/app/.platform"
sed -i "s/listen  *80 /listen 127.0.0.1:$proxy_port /" "$folder/nginx/nginx.conf"
sed -i "s/127.0.0.1:5000/127.0.0.1:$app_port/" "$folder"/nginx/conf.d/elasticbeanstalk/*.conf
echo "set_real_ip_from 127.0.0.3;" >>"$folder/nginx/conf.d/client-address.conf"
"$nginx" -e "$folder/nginx/error.log" -c "$folder/nginx/nginx.conf" -g 'daemon off;' &
running+=($!)

site=http://127.0.0.1:$proxy_port
until_ready "$site"
"$python" tests/deploy/chat.py "$site" 127.0.0.2 127.0.0.3

end_well 0
no_tokens "$site" "$folder/nginx/access.log"
