/** The Debian package: what is in it, and that it is installed, started, upgraded and removed. */
import { execFile } from 'node:child_process';
import { link, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { buildDebian } from '../../scripts/package/debian.ts';
import { LISTENING, startProgram } from '../e2e/processes.ts';
import { ROOT } from '../tidy/sources.ts';
import { type Chroot, openChroot } from './chroot.ts';
import { sharedTarball } from './made.ts';

const run = promisify(execFile);

const tarballOf = sharedTarball();

/** The package, also unpacked, and the next version of it. */
interface Built {
  readonly first: string;
  readonly next: string;
  readonly unpacked: string;
}

async function build(): Promise<Built> {
  const { folder, tarball } = await tarballOf();
  const versions = ['0.2.0-rc.1', '0.2.0'];
  const parts = { tarball: tarball.path, node: process.execPath, folder, compression: 'none', versions } as const;
  const [first = '', next = ''] = await buildDebian(parts);
  const unpacked = join(folder, 'unpacked');
  await run('dpkg-deb', ['--extract', first, unpacked]);
  return { first, next, unpacked };
}

let built: Promise<Built> | null = null;

/** What all tests of this file share. */
function builtOnce(): Promise<Built> {
  built ??= build();
  return built;
}

test('it says what it is, and needs only what every Debian has', async (t) => {
  const { first } = await builtOnce();
  const field = async (name: string) => (await run('dpkg-deb', ['--field', first, name])).stdout.trim();
  t.is(await field('Version'), '0.2.0~rc.1');
  await t.notThrowsAsync(run('dpkg', ['--compare-versions', await field('Version'), 'lt', '0.2.0']));
  t.regex(await field('Depends'), /^libc6 \(>= 2\.28\), libgcc-s1, libstdc\+\+6 \(>= 8\), passwd, init-system-helpers/);
  const { stdout } = await run('dpkg-deb', ['--contents', first]);
  t.true(
    stdout.split('\n').every((line) => line === '' || / root\/root /.test(line)),
    'all of it belongs to root',
  );
});

test('the unpacked command runs with the Node beside it, whatever Node the system has', async (t) => {
  const { unpacked } = await builtOnce();
  const command = join(unpacked, 'usr/bin/countermand');
  const { stdout } = await run(command, ['--version'], { env: { PATH: '/usr/bin:/bin' } });
  t.regex(stdout, /^\d+\.\d+\.\d+\n$/);
  const prebuilds = await readdir(join(unpacked, 'usr/lib/countermand/dist/prebuilds'));
  t.deepEqual(prebuilds, [`linux-${process.arch}.node`]);
  t.true((await readdir(join(unpacked, 'usr/lib/countermand/dist/console'))).includes('index.html'));
  const pages = await readdir(join(unpacked, 'usr/share/doc/countermand'), { recursive: true });
  for (const page of ['cli.md', 'decisions/README.md', 'operations/alerts.md']) t.true(pages.includes(page), page);
});

test('there is a man page for each command, which man has nothing to complain of', async (t) => {
  const { unpacked } = await builtOnce();
  const folder = join(unpacked, 'usr/share/man');
  const { stdout: help } = await run(join(unpacked, 'usr/bin/countermand'), ['--help']);
  const [, list = ''] = help.split('\nCommands:\n');
  const [all = ''] = list.split('\n\n');
  const commands = all.split('\n').flatMap((line) => /^ {2}(\w+) /.exec(line)?.[1] ?? []);
  const pages = await readdir(join(folder, 'man1'));
  t.true(commands.length > 8);
  for (const name of commands.filter((command) => command !== 'help'))
    t.true(pages.includes(`countermand-${name}.1.gz`), name);
  for (const page of [...pages.map((name) => `man1/${name}`), 'man5/countermand.yaml.5.gz']) {
    const shown = await run('man', ['--warnings', '-l', join(folder, page)], {
      env: { PATH: '/usr/bin:/bin', LC_ALL: 'C.UTF-8', MANROFFSEQ: '', MANWIDTH: '80' },
    });
    t.is(shown.stderr, '', page);
    t.regex(shown.stdout, /NAME\n +countermand/, page);
  }
  const power = await run('man', ['-l', join(folder, 'man1/countermand-node.1.gz')], {
    env: { PATH: '/usr/bin:/bin' },
  });
  t.regex(power.stdout, /--on-timeout/);
});

test('the configuration files have every key, and are accepted as they are', async (t) => {
  const { unpacked } = await builtOnce();
  const conductor = await readFile(join(unpacked, 'etc/countermand/countermand.yaml'), 'utf8');
  t.regex(conductor, /^data: \/var\/lib\/countermand$/m);
  t.regex(conductor, /^#sync_power_state_interval: 120$/m);
  const agent = await readFile(join(unpacked, 'etc/countermand/agent.yaml'), 'utf8');
  t.notRegex(agent, /^#?data:/m);
  t.regex(agent, /^secrets_dir: \/etc\/countermand\/secrets$/m);
});

/** The part of a unit that says what the service may do. */
const sandboxOf = (unit: string): string[] =>
  unit
    .split('\n')
    .filter((line) =>
      /^(Private|Protect|Restrict|SystemCall|Capability|NoNew|Lock|Remove|UMask|Proc|Memory|User|Group)/.test(line),
    );

test('the services are hardened: systemd rates their exposure at no more than 2.5 of 10', async (t) => {
  const { unpacked } = await builtOnce();
  const folder = join(unpacked, 'usr/lib/systemd/system');
  for (const unit of ['countermand.service', 'countermand-agent.service']) {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', join(folder, unit)]);
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
    t.log(`${unit}: ${exposure}`);
    t.true(exposure <= 2.5, stdout);
  }
  const read = (unit: string) => readFile(join(folder, unit), 'utf8');
  // A core dump would have the passwords of BMCs in it.
  for (const unit of ['countermand.service', 'countermand-agent.service']) t.regex(await read(unit), /^LimitCORE=0$/m);
  t.deepEqual(sandboxOf(await read('countermand-agent.service')), sandboxOf(await read('countermand.service')));
});

test('the container is built from the tarball, with the flags that the command has', async (t) => {
  const text = await readFile(join(ROOT, 'packaging/Containerfile'), 'utf8');
  t.regex(text, /^COPY countermand-\*\.tgz /m);
  t.regex(text, /^USER countermand$/m);
  const [, from = ''] = /^FROM \S+node:(\d+)-slim$/m.exec(text) ?? [];
  const { engines } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  t.is(engines.node, `>=${from}`);
  const words: string[] = JSON.parse(/^CMD (.*)$/m.exec(text)?.[1] ?? '[]');
  const { stdout } = await run(join(ROOT, 'bin/countermand'), ['serve', '--help']);
  for (const word of words.filter((flag) => flag.startsWith('--'))) t.true(stdout.includes(`${word} `), word);
});

/** The words of ExecStart, run as the user of the unit. */
async function serviceOf(chroot: Chroot): Promise<string[]> {
  const unit = await chroot.must('cat', '/usr/lib/systemd/system/countermand.service');
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
  const user = value('User');
  const as = ['setpriv', `--reuid=${user}`, `--regid=${value('Group')}`, '--init-groups', '--no-new-privs'];
  return [...chroot.prefix, ...as, ...value('ExecStart').split(' ')];
}

/** Starts the service as its unit says, and answers its address and how it is stopped. */
async function startService(t: ExecutionContext, chroot: Chroot) {
  const [program = '', ...words] = await serviceOf(chroot);
  const daemon = startProgram(t, [program], words);
  const line = await daemon.said.until('the service to listen', (said) => LISTENING.test(said));
  const stop = async (): Promise<void> => {
    daemon.signal('SIGTERM');
    t.is(await daemon.ended, 0);
  };
  return { address: LISTENING.exec(line)?.[1] ?? '', stop };
}

test('it is installed, started, upgraded and removed', async (t) => {
  const opened = await openChroot(t);
  if (opened === null) {
    t.log('not possible here: it takes root, and an overlay that can be mounted');
    return t.pass();
  }
  const { chroot, given } = opened;
  const { first: deb, next: nextDeb } = await builtOnce();
  await link(deb, join(given, 'first.deb'));
  await link(nextDeb, join(given, 'next.deb'));
  await chroot.must('dpkg', '--install', '/mnt/first.deb');
  t.regex(await chroot.must('getent', 'passwd', 'countermand'), /:\/var\/lib\/countermand:\/usr\/sbin\/nologin$/m);
  t.is(await chroot.must('stat', '-c', '%U %a', '/var/lib/countermand'), 'countermand 700\n');
  t.is(await chroot.must('stat', '-c', '%U %G %a', '/etc/countermand/secrets'), 'root countermand 750\n');
  t.is(await chroot.must('dpkg', '--verify', 'countermand'), '');
  t.is(await chroot.must('systemd-analyze', 'verify', '--man=no', 'countermand.service'), '');
  t.regex(await chroot.must('ls', '/etc/systemd/system/multi-user.target.wants'), /^countermand\.service$/m);

  // An administrator changes the configuration; the port is any, as others use this host too.
  const file = '/etc/countermand/countermand.yaml';
  await chroot.must('sed', '-i', 's/^#listen:.*/listen: 127.0.0.1:0/; s/^#http_listen:.*/http_listen: none/', file);
  const first = await startService(t, chroot);
  const ask = (address: string, ...words: readonly string[]) =>
    chroot.must('countermand', ...words, '--conductor', address);
  await ask(first.address, 'node', 'create', 'n1', '--driver', 'fake', '--info', 'fake_address=n1');
  t.regex(await ask(first.address, 'node', 'power', 'n1', 'off', '--yes'), /power off SUCCEEDED/);
  await first.stop();

  await chroot.must('dpkg', '--install', '/mnt/next.deb');
  t.regex(await chroot.must('cat', file), /^listen: 127\.0\.0\.1:0$/m, 'what the administrator wrote stays');
  const next = await startService(t, chroot);
  t.regex(await ask(next.address, 'node', 'list'), /^n1 +power off/m, 'and so does the database');
  await next.stop();

  await chroot.must('dpkg', '--remove', 'countermand');
  t.not((await chroot.run('test', '-e', '/usr/bin/countermand')).exitCode, 0);
  t.not((await chroot.run('test', '-e', '/usr/lib/countermand')).exitCode, 0);
  await chroot.must('test', '-e', file);
  const { stderr } = await chroot.run('dpkg', '--purge', 'countermand');
  t.regex(stderr, /\/var\/lib\/countermand and the user countermand stay/);
  t.not((await chroot.run('test', '-e', '/etc/countermand')).exitCode, 0);
  await chroot.must('test', '-d', '/var/lib/countermand');
});
