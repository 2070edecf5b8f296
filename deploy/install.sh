#!/bin/sh
# Puts the program and what it needs into their places; a second time, it brings them up to date.
# Usage: install.sh PROGRAM
set -eu
program=$1
cd "$(dirname "$0")/.."

# Into a folder, nobody is needed yet.
if [ -z "${DESTDIR:-}" ] && ! id app >/dev/null 2>&1; then
    useradd --system --home-dir /var/lib/app --shell /usr/sbin/nologin app
fi

install -d "${DESTDIR:-}/opt/app" "${DESTDIR:-}/etc/systemd/system"
# Beside the old one and then in its place: a program that runs can't be written to.
install -m 755 "$program" "${DESTDIR:-}/opt/app/app.new"
mv "${DESTDIR:-}/opt/app/app.new" "${DESTDIR:-}/opt/app/app"
cp -R templates static Rocket.toml "${DESTDIR:-}/opt/app/"
install -m 644 deploy/app.service "${DESTDIR:-}/etc/systemd/system/app.service"
