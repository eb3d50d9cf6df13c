#!/bin/sh
# Brings prometheus and promtool, for the tests. Debian's package starts a daemon and wants a web server's worth of scripts; it is
# downloaded (19 MB), and the two programs are taken out of it.
set -eu

to=$(dirname "$0")/../node_modules/.cache/countermand-prometheus
[ ! -d "$to" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$(dirname "$0")/download-packages.sh" "$work" prometheus

mkdir "$work/files"
dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work/files" ./usr/bin/prometheus ./usr/bin/promtool
mkdir -p "$(dirname "$to")"
rm -rf "$to.new"
mv "$work/files/usr/bin" "$to.new"
mv "$to.new" "$to"
