#!/bin/sh
# What `npm ci` does when the packages are there: links the runtime, generates src/gen, builds dist.
set -eu

# npm runs this for a dry run as well, which installs nothing.
[ "${npm_config_dry_run:-}" != true ] || exit 0

# npm 11 links node_modules/.bin/node to the Node that `npm ci` brought. npm 9 and 10 remove the link, as the package for the
# other architecture, which they leave out, has one of the same name.
cd "$(dirname "$0")/../node_modules"
for node in node-linux-*/bin/node; do
  [ ! -x "$node" ] || ln -sf "../$node" .bin/node
done
cd ..
npm run generate
npm run build
