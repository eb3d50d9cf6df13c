/** Where sinks may send events to. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readSinkAccess, usualObjection } from '../../../src/cli/daemon/sinks.ts';
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
