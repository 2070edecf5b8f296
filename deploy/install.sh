#!/bin/sh
# Installs the program and what it needs, or updates them.
# Usage: install.sh PROGRAM
set -eu
program=$1
cd "$(dirname "$0")/.."

# With DESTDIR, only the files are installed.
if [ -z "${DESTDIR:-}" ] && ! id app >/dev/null 2>&1; then
    useradd --system --home-dir /var/lib/app --shell /usr/sbin/nologin app
fi

install -d "${DESTDIR:-}/opt/app" "${DESTDIR:-}/etc/systemd/system"
# Copies the new program next to the old one and moves it over the old one, because a running program can't be
# overwritten.
install -m 755 "$program" "${DESTDIR:-}/opt/app/app.new"
mv "${DESTDIR:-}/opt/app/app.new" "${DESTDIR:-}/opt/app/app"
cp -R templates static Rocket.toml "${DESTDIR:-}/opt/app/"
install -m 644 deploy/app.service "${DESTDIR:-}/etc/systemd/system/app.service"
