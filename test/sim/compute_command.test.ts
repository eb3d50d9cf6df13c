/** `countermand sim compute`: what it prints is what a conductor reads, and it is spoken to over sockets. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { readClouds } from '../../src/cli/daemon/clouds.ts';
import { asCountermandError } from '../../src/core/errors.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { PatientClock } from '../counterparts/patient_clock.ts';
import { never } from '../counterparts/signals.ts';
import { startSimCommand } from './sim_command.ts';

const BY = '7f3a0a52-0000-4000-a000-000000000001';

test('the file of clouds that it prints leads to it; faults are those of its flags', async (t) => {
  const flags = ['--address', ownAddress(), '--port', '0', '--hosts', '2', '--instances', '4', '--stopped', '2'];
  const faults = ['--faulty', '1', '--answers', 'lost-after', '--dead', '2'];
  const command = await startSimCommand(t, ['compute', ...flags, ...faults]);
  const folder = await newFolder(t);
  const path = join(folder, 'clouds.yaml');
  await writeFile(path, command.stdout());
  const compute = readClouds(path, new PatientClock()).clouds.of('default');
  const first = await compute.instancesOn('cmp1', never());
  t.deepEqual(
    first.map(({ name, status }) => [name, status]),
    [
      ['vm1', 'ACTIVE'],
      ['vm3', 'ACTIVE'],
    ],
  );
  t.deepEqual(
    (await compute.instancesOn('cmp2', never())).map(({ status }) => status),
    ['SHUTOFF', 'ACTIVE'],
  );
  const sent = await compute.order(first[0]?.uuid ?? '', { kind: 'live', host: null }, BY, never());
  t.is(sent.kind, 'unknown');
  t.is((await compute.instance(first[0]?.uuid ?? '', never()))?.taskState, 'migrating');
  t.is(await command.interrupt(), 0);
  const after = await compute.order(first[1]?.uuid ?? '', { kind: 'stop' }, BY, never());
  t.is(after.kind === 'refused' && after.error.code, 'COMPUTE_SILENT');
});

const withQueue = (keys: string): string =>
  `clouds: {default: {auth_type: none, compute_endpoint_override: "http://x", notifications: {${keys}}}}`;

/** Files of clouds that are wrong, and what is said. */
const WRONG: readonly [string, RegExp][] = [
  ['clouds: {default: {auth: {auth_url: http://x/v3, username: a, project_name: b}}}', /password_file is missing/],
  ['clouds: {default: {auth: {username: a}}}', /auth_url is missing/],
  ['clouds: {default: {auth: {auth_url: "ftp://x", username: a}}}', /auth_url: must be an http or https URL/],
  ['clouds: {default: {auth_type: none}}', /compute_endpoint_override is missing/],
  ['clouds: {default: {colour: red}}', /clouds\.default: there is no key 'colour'/],
  ['clouds: {"a b": {auth_type: none}}', /a name has letters/],
  [withQueue('password: a'), /notifications\.url/],
  [withQueue('url: "amqp://h", password: a'), /url: must be amqps:\/\/USER@HOST/],
  [withQueue('url: "amqp://u:p@h"'), /url: must be .* without a password/],
  [withQueue('url: "amqp://u@h"'), /notifications\.password_file is missing; it is what the user/],
  [withQueue('url: "amqp://u@h", password: a, password_file: b'), /give one of password and password_file/],
  [withQueue('url: "amqps://u@h", password: a, cacert: gone'), /notifications\.cacert: .*gone cannot be read/],
  [withQueue('url: "amqp://u@h", password: a, topics: []'), /topics/],
  [withQueue('url: "amqp://u@h", password: a, queue: mine'), /there is no key 'queue'/],
  ['clouds: {default: {auth_type: none, poll_interval: 1}}', /poll_interval: must be 0, or from 5 to 3600/],
  ['clouds: [', /not valid YAML/],
  [
    'clouds: {default: {auth: {auth_url: http://x/v3, username: a, project_name: b, password_file: gone}}}',
    /auth\.password_file: .*gone cannot be read \(ENOENT\)/,
  ],
];
for (const [text, message] of WRONG)
  test(`a file of clouds is refused with ${message.source}`, async (t) => {
    const path = join(await newFolder(t), 'clouds.yaml');
    await writeFile(path, text);
    const error = t.throws(() => readClouds(path, new PatientClock()));
    t.is(asCountermandError(error).code, 'CONFIGURATION_INVALID');
    t.regex(error?.message ?? '', message);
  });
