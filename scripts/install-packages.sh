#!/bin/sh
# Installs the packages of Debian that are named, or says why it cannot.
set -eu

give_up() {
  echo "Please install these first (the names are Debian's): $packages. They were not installed here because $1." >&2
  exit 1
}

packages=$*
command -v apt-get >/dev/null || give_up 'there is no apt-get'
as_root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || give_up 'that takes root, and there is no sudo'
  as_root=sudo
fi

# shellcheck disable=SC2086 # several packages
install() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $packages >/dev/null
}

echo "Installing $packages ..."
# A new system has no package lists yet
install 2>/dev/null || { $as_root apt-get update -qq && install; } || give_up 'apt-get failed; what it said is above'
