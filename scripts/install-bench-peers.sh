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
# shellcheck disable=SC2086 # several packages
[ -z "$missing" ] || exec sh "$(dirname "$0")/install-packages.sh" $missing
