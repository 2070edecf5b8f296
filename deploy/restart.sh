#!/bin/sh
# Restarts instances one after the other. While one of them restarts, nginx sends all requests to the other one.
# Usage: restart.sh 8001 8002
set -eu

# The tests set these variables. The script tries once a second whether an instance is healthy.
: "${DESTDIR:=}" "${RESTART:=systemctl restart}" "${TRIES:=30}"

# Prints the path of the file that makes nginx send no requests to an instance.
down() { echo "$DESTDIR/run/app-$1.down"; }

# Requests /healthz. Runs in /opt/app, because a clone can have a file .env with other settings.
is_healthy() { (cd "$DESTDIR/opt/app" && ROCKET_PORT=$1 ./app health >/dev/null 2>&1); }

becomes_healthy() {
    tries=$TRIES
    until is_healthy "$1"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 1
    done
}

# Begins with instances that get no requests, for example because an earlier update failed.
ports=
for port in "$@"; do
    if is_healthy "$port" && ! [ -e "$(down "$port")" ]; then ports="$ports $port"; else ports="$port $ports"; fi
done

trap 'echo "Interrupted. Run this script again, because an instance might get no requests." >&2; exit 1' INT TERM
for port in $ports; do
    # nginx looks for this file at each request. A reload of nginx would close idle connections of clients.
    touch "$(down "$port")"
    # By then, the app has received the requests that nginx was sending to it. It completes them before it stops.
    sleep 3
    if ! $RESTART "app@$port" || ! becomes_healthy "$port"; then
        echo "app@$port is not healthy and gets no requests. See journalctl -u app@$port, then run this again." >&2
        exit 1
    fi
    rm "$(down "$port")"
done
