/** A MariaDB in a folder of the run, on its own port, with the databases of Nova and placement. It is forgotten after the run, so it never waits for the disk. */
import { writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { DATABASE_USER, type Places } from './configuration.ts';
import { Daemon, listens, runToEnd } from './daemon.ts';

const DATABASES = ['nova', 'nova_api', 'nova_cell0', 'placement'];

/** Starts it; resolves when it answers. */
export async function startMariaDb({ folder, address, ports }: Places, signal: AbortSignal): Promise<Daemon> {
  const files = join(folder, 'mariadb');
  const user = userInfo().username;
  const shared = ['--no-defaults', `--user=${user}`, `--datadir=${files}`];
  const install = [...shared, '--auth-root-authentication-method=normal', '--skip-test-db'];
  await runToEnd({ command: 'mariadb-install-db', words: install, folder }, signal);
  const statements = [
    `create user '${DATABASE_USER}'@'%' identified by '${DATABASE_USER}';`,
    ...DATABASES.flatMap((name) => [
      `create database ${name} character set utf8mb3;`,
      `grant all on ${name}.* to '${DATABASE_USER}'@'%';`,
    ]),
  ];
  await writeFile(join(folder, 'databases.sql'), `${statements.join('\n')}\n`);
  const daemon = new Daemon({
    name: 'mariadb',
    command: 'mariadbd',
    words: [
      ...shared,
      ...[`--bind-address=${address}`, `--port=${ports.mariadb}`, `--socket=${join(files, 'socket')}`],
      ...[`--pid-file=${join(files, 'pid')}`, `--init-file=${join(folder, 'databases.sql')}`],
      ...[
        '--skip-name-resolve',
        '--innodb-flush-log-at-trx-commit=0',
        '--innodb-flush-method=nosync',
        '--max-connections=500',
      ],
    ],
    folder,
  });
  await daemon.start();
  await daemon.until(() => listens(address, ports.mariadb), signal);
  return daemon;
}
