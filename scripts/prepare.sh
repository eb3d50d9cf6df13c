#!/bin/sh
# What `npm ci` does when the packages are there, and `npm pack` before it packs: links the runtime, generates src/gen, builds
# dist. It is called `postprepare`, as npm warns whoever installs a package that has a `prepare`.
set -eu

# npm runs this for a dry run as well, which installs nothing.
[ "${npm_config_dry_run:-}" != true ] || exit 0

cd "$(dirname "$0")/.."

# `npm ci --omit=dev` leaves out what generates and builds. The command itself needs no packages, so dist is built in a
# folder of its own, which has them for that time.
if [ ! -x node_modules/.bin/esbuild ]; then
  aside=$(mktemp -d)
  trap 'rm -rf "$aside"' EXIT
  cp -R .npmrc buf.gen.yaml buf.yaml package-lock.json package.json proto scripts src "$aside"
  (cd "$aside" && npm ci --include=dev)
  rm -rf dist
  cp -Rp "$aside/dist" dist
  exit 0
fi

# npm 11 links node_modules/.bin/node to the Node that `npm ci` brought. npm 9 and 10 remove the link, as the package for the
# other architecture, which they leave out, has one of the same name.
for node in node_modules/node-linux-*/bin/node; do
  [ ! -x "$node" ] || ln -sf "../${node#node_modules/}" node_modules/.bin/node
done
npm run generate
npm run build
