#!/bin/sh
# Brings RabbitMQ and the Erlang that it runs on, for the tests. Debian's package starts a broker for the whole system; it and those that it needs are
# downloaded (34 MB) and unpacked, and the tests start brokers of their own, without root.
set -eu

to=$(dirname "$0")/../node_modules/.cache/countermand-rabbitmq
[ ! -d "$to" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$(dirname "$0")/download-packages.sh" "$work" rabbitmq-server erlang-base erlang-asn1 erlang-crypto erlang-eldap \
  erlang-inets erlang-mnesia erlang-os-mon erlang-parsetools erlang-public-key erlang-runtime-tools erlang-ssl erlang-syntax-tools \
  erlang-tools erlang-xmerl

mkdir "$work/files"
for package in "$work"/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/files" --wildcards './usr/lib/*'
done
mkdir -p "$(dirname "$to")"
rm -rf "$to.new"
mv "$work/files/usr/lib" "$to.new"
mv "$to.new" "$to"
