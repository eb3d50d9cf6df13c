#!/bin/sh
# Brings ansible's module for Redfish, for the tests. Debian has it only in the package `ansible`, which takes 259 MB when it is
# installed; the packages are downloaded (18 MB), and the few files that the module needs are taken out of them (2 MB).
set -eu

to=$(dirname "$0")/../node_modules/.cache/countermand-ansible
[ ! -d "$to" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sh "$(dirname "$0")/download-packages.sh" "$work" ansible ansible-core

site=./usr/lib/python3/dist-packages
general=$site/ansible_collections/community/general/plugins
mkdir "$work/files"
dpkg-deb --fsys-tarfile "$work"/ansible-core_*.deb |
  tar -x -C "$work/files" "$site/ansible/__init__.py" "$site/ansible/release.py" "$site/ansible/_vendor" "$site/ansible/module_utils"
dpkg-deb --fsys-tarfile "$work"/ansible_*.deb |
  tar -x -C "$work/files" "$general/module_utils/redfish_utils.py" "$general/modules/redfish_command.py"
mkdir -p "$(dirname "$to")"
rm -rf "$to.new"
mv "$work/files/$site" "$to.new"
mv "$to.new" "$to"
