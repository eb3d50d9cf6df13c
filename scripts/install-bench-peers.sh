#!/bin/sh
# Installs what the measurements of IPMI clients (bench/ipmi) need and is not there yet: ipmi_sim, the compiler and
# headers for its chassis module, and the clients that ours is compared with: ipmitool, ipmipower and powerman. Says
# nothing when all is there.
set -eu

missing=
command -v setpriv >/dev/null || missing="$missing util-linux"
command -v ipmi_sim >/dev/null || missing="$missing openipmi"
[ -e /usr/include/OpenIPMI/mcserv.h ] || missing="$missing libopenipmi-dev"
command -v gcc >/dev/null || missing="$missing gcc"
[ -e /usr/include/stdio.h ] || missing="$missing libc6-dev"
command -v ipmitool >/dev/null || missing="$missing ipmitool"
[ -x /usr/sbin/ipmipower ] || missing="$missing freeipmi-tools"
[ -x /usr/sbin/powermand ] || missing="$missing powerman"
[ -n "$missing" ] || exit 0

give_up() {
  echo "Please install these first (the names are Debian's):$missing. They were not installed here because $1." >&2
  exit 1
}

command -v apt-get >/dev/null || give_up 'there is no apt-get'
as_root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || give_up 'that takes root, and there is no sudo'
  as_root=sudo
fi

# shellcheck disable=SC2086 # several packages
install() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
}

echo "Installing$missing ..."
# A new system has no package lists yet
install 2>/dev/null || { $as_root apt-get update -qq && install; } || give_up 'apt-get failed; what it said is above'
