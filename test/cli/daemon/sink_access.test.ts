/** Where sinks may send events to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { openSinkMakers, readSinkAccess, usualObjection } from '../../../src/cli/daemon/sinks.ts';
import type { Terminal } from '../../../src/cli/shared/terminal.ts';
import type { SinkKind } from '../../../src/core/outlets.ts';
import { refuseDecided } from '../../../src/server/sinks/decided.ts';
import { newFolder } from '../../counterparts/folder.ts';

test('without a file, links are refused, and other hosts without TLS', (t) => {
  const refused = (host: string, address: string, isPlain: boolean) => usualObjection(host, address, isPlain) !== null;
  for (const address of ['169.254.169.254', 'fe80::1', '::ffff:169.254.169.254', 'fd00:ec2::254'])
    t.true(refused('x', address, false), address);
  for (const address of ['10.0.0.1', '2001:db8::1']) {
    t.false(refused(address, address, false));
    t.true(refused(address, address, true));
  }
  for (const address of ['127.0.0.1', '127.9.9.9', '::1']) t.false(refused('localhost', address, true));
});

test('what can never work is refused before there is a sink', async (t) => {
  const folder = await newFolder(t);
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  writeFileSync(join(folder, 'good'), `${secret}\n`);
  writeFileSync(join(folder, 'url'), 'http://10.255.1.1/ev\n');
  writeFileSync(join(folder, 'bad'), 'short\n');
  const environment = { PATH: '/bin', COUNTERMAND_SECRET_OPS: secret };
  const parts = { secretsFolder: folder, sinkAccess: null } as unknown as Parameters<typeof openSinkMakers>[0];
  const makers = openSinkMakers(parts, null, { environment } as unknown as Terminal);
  const refuse = (name: string, settings: Readonly<Record<string, string>>) =>
    refuseDecided(makers.kinds.find((kind) => kind.name === name) as SinkKind, settings, makers);
  const webhook = { webhook_url: 'https://ops.example/ev', webhook_secret: 'file:good' };
  const broker = { rabbitmq_url: 'amqp://u@192.0.2.1/v', rabbitmq_password: 'env:COUNTERMAND_SECRET_OPS' };
  for (const [settings, message] of [
    [{ webhook_secret: 'env:PATH' }, /env:PATH is not allowed; only variables that begin with COUNTERMAND_SECRET_/],
    [{ webhook_secret: 'env:COUNTERMAND_SECRET_NO' }, /env:COUNTERMAND_SECRET_NO is not set/],
    [{ webhook_secret: 'file:../../etc/passwd' }, /is not below the conductor's secrets_dir/],
    [{ webhook_secret: 'file:none' }, /does not exist/],
    [{ webhook_secret: 'file:bad' }, /webhook_secret must be whsec_/],
    [{ webhook_url: 'http://10.255.1.1/ev' }, /^10.255.1.1 is on another host, and without TLS/],
    [{ webhook_url: 'file:url' }, /^10.255.1.1 is on another host/],
    [{ webhook_url: 'https://[fe80::1]/ev' }, /^fe80::1 is an address of the link/],
  ] as const)
    await t.throwsAsync(refuse('webhook', { ...webhook, ...settings }), { message });
  await t.throwsAsync(refuse('rabbitmq', broker), { message: /^192.0.2.1 is on another host/ });
  await t.notThrowsAsync(refuse('rabbitmq', { ...broker, rabbitmq_url: 'amqps://u@192.0.2.1/v' }));
  for (const settings of [
    ...[{}, { webhook_url: 'http://127.0.0.1:1/ev' }, { webhook_secret: 'env:COUNTERMAND_SECRET_OPS' }],
    ...[{ webhook_secret: 'vault:secret/ops#key', webhook_url: 'vault://[' }, { webhook_url: 'http://ops.example/ev' }],
  ])
    await t.notThrowsAsync(refuse('webhook', { ...webhook, ...settings }));
});

test('a file binds sinks to addresses, secrets to kinds and addresses, and allows plaintext where it says so', async (t) => {
  const path = join(await newFolder(t), 'sinks.yaml');
  const write = (text: string) => writeFileSync(path, text);
  write(`
networks: [10.0.0.0/8, ops.example]
rules:
  - addresses: [10.1.0.0/16]
    kinds: [webhook]
    secrets: ['file:hooks/*']
    allow: [plaintext]
`);
  const access = readSinkAccess(path);
  const why = (host: string, dangers: readonly 'plaintext'[] = [], references: readonly string[] = []) =>
    access.objectionTo({ driver: 'webhook', host, references, dangers })(host)?.message ?? null;
  t.is(why('10.2.0.1'), null);
  t.regex(
    why('192.0.2.1') ?? '',
    /^sink_access of the conductor does not let it reach 192.0.2.1: .*; nothing was sent$/,
  );
  t.is(why('10.1.0.1', ['plaintext'], ['file:hooks/a']), null);
  t.regex(why('10.2.0.1', ['plaintext']) ?? '', /speak without TLS at 10.2.0.1/);
  t.regex(why('10.1.0.1', [], ['file:other']) ?? '', /use file:other with the kind webhook at 10.1.0.1/);
  write('rules: [{addresses: [nowhere/99]}]');
  t.throws(() => readSinkAccess(path), { message: /sinks.yaml.*rules\[0\].addresses\[0\]/s });
  write('rules: [{addresses: [10.0.0.1], kinds: [pigeon]}]');
  t.throws(() => readSinkAccess(path), { message: /kinds/ });
  t.throws(() => readSinkAccess(`${path}.not`), { message: /^sink_access cannot be read/ });
});
