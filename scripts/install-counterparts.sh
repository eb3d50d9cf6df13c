#!/bin/sh
# Installs what the demo and the tests talk to and is not there yet: ipmitool and setpriv (for `ipmi_transport: ipmitool`),
# ipmi_sim (the pretended BMCs) and pyghmi (a second kind of them, for the tests). The tests drive our own pretended BMCs
# with what others have written: ipmitool, ipmipower, snmpget, scciclient, redfishtool, sushy, fence_redfish and ansible; the completion of the
# command, with the shells; its man pages and services, with man and systemd-analyze. The HTTP door is driven by the clients of
# OpenStack, and scraped by Prometheus; the console is opened in Chromium, the build of it that has no windows. Sinks publish to RabbitMQ, and are
# heard by oslo.messaging. The conductor runs on PostgreSQL too: the tests start a server of their own. Says nothing when all is there.
set -eu

missing=
command -v ipmitool >/dev/null || missing="$missing ipmitool"
command -v setpriv >/dev/null || missing="$missing util-linux"
command -v ipmi_sim >/dev/null || missing="$missing openipmi"
[ -d /usr/lib/python3/dist-packages/pyghmi ] || missing="$missing python3-pyghmi"
[ -x /usr/sbin/ipmipower ] || missing="$missing freeipmi-tools"
command -v man >/dev/null || missing="$missing man-db"
command -v systemd-analyze >/dev/null || missing="$missing systemd"
command -v zsh >/dev/null || missing="$missing zsh"
command -v fish >/dev/null || missing="$missing fish"
command -v openssl >/dev/null || missing="$missing openssl"
command -v snmpget >/dev/null || missing="$missing snmp"
[ -d /usr/lib/python3/dist-packages/scciclient ] || missing="$missing python3-scciclient"
command -v redfishtool >/dev/null || missing="$missing redfishtool"
[ -d /usr/lib/python3/dist-packages/sushy ] || missing="$missing python3-sushy"
[ -x /usr/sbin/fence_redfish ] || missing="$missing fence-agents"
for client in ironicclient watcherclient openstackclient; do
  [ -d "/usr/lib/python3/dist-packages/$client" ] || missing="$missing python3-$client"
done
[ -x /usr/bin/chromium ] || [ -x /usr/bin/chromium-headless-shell ] || missing="$missing chromium-headless-shell"
[ -d /usr/lib/python3/dist-packages/oslo_messaging ] || missing="$missing python3-oslo.messaging"
set -- /usr/lib/postgresql/*/bin/postgres
[ -x "$1" ] || missing="$missing postgresql"
[ -d /usr/lib/python3/dist-packages/openstack ] || missing="$missing python3-openstacksdk"
# shellcheck disable=SC2086 # several packages
[ -z "$missing" ] || sh "$(dirname "$0")/install-packages.sh" $missing
sh "$(dirname "$0")/install-prometheus.sh"
sh "$(dirname "$0")/install-rabbitmq.sh"
exec sh "$(dirname "$0")/install-ansible.sh"
