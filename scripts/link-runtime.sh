#!/bin/sh
# Links node_modules/.bin/node to the Node that `npm ci` brought. npm 11 does so itself. npm 9 and 10 remove the link, as
# the package for the other architecture, which they leave out, has one of the same name.
set -eu
cd "$(dirname "$0")/../node_modules"
for node in node-linux-*/bin/node; do
  [ -x "$node" ] && ln -sf "../$node" .bin/node
done
exit 0
