#!/bin/sh
# Installs what the demo and the tests talk to and is not there yet: ipmitool and setpriv (for `ipmi_transport: ipmitool`),
# ipmi_sim (the pretended BMCs) and pyghmi (a second kind of them, for the tests). The tests drive our own pretended BMCs
# with what others have written: ipmitool, ipmipower, snmpget and scciclient. Says nothing when all is there.
set -eu

missing=
command -v ipmitool >/dev/null || missing="$missing ipmitool"
command -v setpriv >/dev/null || missing="$missing util-linux"
command -v ipmi_sim >/dev/null || missing="$missing openipmi"
[ -d /usr/lib/python3/dist-packages/pyghmi ] || missing="$missing python3-pyghmi"
[ -x /usr/sbin/ipmipower ] || missing="$missing freeipmi-tools"
command -v openssl >/dev/null || missing="$missing openssl"
command -v snmpget >/dev/null || missing="$missing snmp"
[ -d /usr/lib/python3/dist-packages/scciclient ] || missing="$missing python3-scciclient"
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
