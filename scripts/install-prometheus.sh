#!/bin/sh
# Brings prometheus and promtool, for the tests. Debian's package starts a daemon and wants a web server's worth of scripts; it is
# downloaded (19 MB), and the two programs are taken out of it.
set -eu

to=$(dirname "$0")/../node_modules/.cache/countermand-prometheus
[ ! -d "$to" ] || exit 0
for command in apt-get dpkg-deb tar; do
  command -v "$command" >/dev/null || { echo "prometheus needs $command, from Debian" >&2; exit 1; }
done

echo 'Downloading prometheus ...'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt downloads as a user of its own
fetch() {
  (cd "$work" && apt-get download -qq prometheus >/dev/null)
}
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
# A new system has no package lists yet
fetch 2>/dev/null || { $as_root apt-get update -qq && fetch; }

mkdir "$work/files"
dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work/files" ./usr/bin/prometheus ./usr/bin/promtool
mkdir -p "$(dirname "$to")"
rm -rf "$to.new"
mv "$work/files/usr/bin" "$to.new"
mv "$to.new" "$to"
