#!/bin/sh
# Downloads packages of Debian into a folder, without installing them: what is needed is a few files of each.
# usage: download-packages.sh FOLDER PACKAGES...
set -eu

folder=$1
shift
for command in apt-get dpkg-deb tar; do
  command -v "$command" >/dev/null || { echo "to take files out of $*, there must be $command, from Debian" >&2; exit 1; }
done
echo "Downloading $* ..."
chmod 755 "$folder" # apt downloads as a user of its own
fetch() {
  (cd "$folder" && apt-get download -qq "$@" >/dev/null)
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
# A new system has no package lists yet
fetch "$@" 2>/dev/null || { $as_root apt-get update -qq && fetch "$@"; }
