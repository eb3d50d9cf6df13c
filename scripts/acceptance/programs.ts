/** The programs of others that an acceptance suite needs, and the packages of Debian that have them. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** A file, and the package that it is in. */
const NEEDED: Readonly<Record<string, string>> = {
  '/usr/sbin/mariadbd': 'mariadb-server-core',
  '/usr/bin/mariadb-install-db': 'mariadb-server-core',
  '/usr/bin/mariadb': 'mariadb-client-core',
  '/usr/bin/nova-manage': 'nova-common',
  '/usr/bin/placement-api': 'placement-common',
  '/usr/bin/ipmi_sim': 'openipmi',
  '/usr/bin/setpriv': 'util-linux',
};
const RABBITMQ = fileURLToPath(new URL('../../node_modules/.cache/countermand-rabbitmq', import.meta.url));

/** What is missing and how it is installed, in sentences; null if nothing is. None of the packages starts a service. */
export function whatIsMissing(): string | null {
  const packages = [...new Set(Object.entries(NEEDED).flatMap(([path, name]) => (existsSync(path) ? [] : [name])))];
  const ways = [
    ...(packages.length > 0
      ? [`sh scripts/install-packages.sh ${packages.join(' ')}   # Debian 12; as root, or with sudo`]
      : []),
    ...(existsSync(RABBITMQ)
      ? []
      : ['sh scripts/install-rabbitmq.sh   # downloads RabbitMQ and unpacks it below node_modules']),
  ];
  if (ways.length === 0) return null;
  return `The acceptance with OpenStack runs Debian's own Nova, and not all of it is here. To install what is missing:\n  ${ways.join('\n  ')}`;
}

/** The versions of what was used, for people. */
export async function versions(): Promise<string> {
  const names = ['nova-common', 'placement-common', 'mariadb-server-core', 'openipmi'];
  const format = '$' + '{Package} $' + '{Version}\\n';
  const { stdout } = await promisify(execFile)('dpkg-query', ['-W', '-f', format, ...names]);
  return stdout.trim().split('\n').join(', ');
}
