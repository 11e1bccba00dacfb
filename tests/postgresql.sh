#!/bin/sh
# Installs PostgreSQL's server programs with the system's package manager, unless they are there.
have() {
  for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin "$(pg_config --bindir 2>/dev/null)" $(echo "$PATH" | tr : ' '); do
    [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && return 0
  done
  return 1
}
have && exit 0
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
if command -v apt-get >/dev/null; then
  $as_root apt-get update && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y --no-install-recommends postgresql
elif command -v dnf >/dev/null; then
  $as_root dnf install -y postgresql-server postgresql-contrib
elif command -v pacman >/dev/null; then
  $as_root pacman -S --noconfirm postgresql
elif command -v brew >/dev/null; then
  brew install postgresql
fi
have || { echo "Install PostgreSQL's server programs (Debian, Ubuntu: the package postgresql) and try again" >&2; exit 1; }
