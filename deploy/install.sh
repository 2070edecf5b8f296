#!/bin/sh
# Installs the program and what it needs, or updates them.
# Usage: install.sh PROGRAM
set -eu
umask 022
program=$(realpath "$1")
cd "$(dirname "$0")/.."

# With DESTDIR, only the files are installed.
if [ -z "${DESTDIR:-}" ] && ! id app >/dev/null 2>&1; then
    useradd --system --home-dir /var/lib/app --shell /usr/sbin/nologin app
fi

install -d "${DESTDIR:-}/opt/app"
# Copies the new program next to the old one and moves it over the old one, because a running program can't be
# overwritten.
install -m 755 "$program" "${DESTDIR:-}/opt/app/app.new"
mv "${DESTDIR:-}/opt/app/app.new" "${DESTDIR:-}/opt/app/app"
cp -R templates static Rocket.toml deploy/nginx-errors "${DESTDIR:-}/opt/app/"
# The app and nginx must be able to read the files, even if only their owner can read the clone.
chmod -R a+rX "${DESTDIR:-}/opt/app"

# The unit `app` runs one instance. The units `app@PORT` have the same settings, but take the port from their name.
units="${DESTDIR:-}/etc/systemd/system"
install -d "$units/app@.service.d"
install -m 644 deploy/app.service "$units/app.service"
install -m 644 deploy/app.service "$units/app@.service"
install -m 644 deploy/port.conf "$units/app@.service.d/port.conf"
