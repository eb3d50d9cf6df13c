#!/bin/sh
# Installs the Ironic that the HTTP door is measured beside (bench/ironic.ts), if it is not there yet: its Python modules alone, which
# ask nothing and start no service, unlike Debian's ironic-api and ironic-conductor.
set -eu

[ -d /usr/lib/python3/dist-packages/ironic/cmd ] || exec sh "$(dirname "$0")/install-packages.sh" python3-ironic
