/** Secrets that stay beside the agent: `file:` and `env:` values, and what they cannot reach. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { newFolder } from '../counterparts/folder.ts';
import { infoOf, newIpmiSim } from '../counterparts/ipmi_sim.ts';
import { type House, openHouse } from './house.ts';
import { enrol, nodeNow, order, ordersAt, refresh, untilAtRest } from './orders.ts';
import { refused } from './refusals.ts';

const PASSWORD = 'pAss-4f7Qz-w0rd';
const OUTSIDE = 'oUtside-9Km3x';

/** A secrets folder with a good file, and everything that must not be read through it. */
async function newSecrets(t: ExecutionContext): Promise<string> {
  const folder = await newFolder(t);
  const secrets = join(folder, 'secrets');
  await mkdir(join(secrets, 'rack7'), { recursive: true });
  await mkdir(join(folder, 'secrets-not'));
  await writeFile(join(secrets, 'rack7/bmc'), `${PASSWORD}\n`);
  await writeFile(join(secrets, 'big'), 'x'.repeat(5000));
  await writeFile(join(secrets, 'long'), `${OUTSIDE}${OUTSIDE}`);
  await writeFile(join(folder, 'outside'), OUTSIDE);
  await writeFile(join(folder, 'secrets-not/outside'), OUTSIDE);
  await symlink('../outside', join(secrets, 'link'));
  await symlink('..', join(secrets, 'up'));
  await symlink('rack7/bmc', join(secrets, 'alias'));
  execFileSync('mkfifo', [join(secrets, 'pipe')]);
  return secrets;
}

async function openWithSecrets(t: ExecutionContext): Promise<{ house: House; secrets: string }> {
  const secrets = await newSecrets(t);
  const variables = { COUNTERMAND_SECRET_BMC: PASSWORD, OTHER_SECRET: OUTSIDE };
  const settings = { secrets_dir: secrets, log_level: 'trace' };
  return { house: await openHouse(t, { here: true, settings, variables }), secrets };
}

/** The log, the events and the files of the conductor. */
async function everything({ conductor, data }: House): Promise<string> {
  const files = await Promise.all((await readdir(data)).map((name) => readFile(join(data, name), 'latin1')));
  return [...conductor.logged.seen, ...files].join('\n');
}

test('a password from a file or a variable of the agent is used there, and never reaches the conductor', async (t) => {
  const { house, secrets } = await openWithSecrets(t);
  const references = {
    a: 'file:rack7/bmc',
    b: 'file:alias',
    c: 'env:COUNTERMAND_SECRET_BMC',
    d: 'file:rack7/../rack7/bmc',
  };
  const sims = await Promise.all(Object.keys(references).map(() => newIpmiSim(t, { password: PASSWORD })));
  for (const [index, [name, reference]] of Object.entries(references).entries()) {
    const sim = sims[index];
    if (!sim) continue;
    await enrol(house.client, name, 'ipmi', { ...infoOf(sim), ipmi_password: reference });
    t.like(await nodeNow(house.client, name), { powerState: 'ON', driverInfo: { ipmi_password: reference } });
    t.like(await untilAtRest(order(house.client, name, 'OFF')), { state: 'SUCCEEDED' });
  }
  t.false((await everything(house)).includes(PASSWORD));

  // A secret that is gone is missed before anything is sent.
  await rm(join(secrets, 'rack7/bmc'));
  const task = await untilAtRest(order(house.client, 'a', 'ON'));
  t.like(task, { state: 'FAILED', errorCode: 'SECRET_UNREADABLE' });
  t.regex(task.errorMessage ?? '', /nothing was sent: driver_info.ipmi_password: file:rack7\/bmc does not exist/);
  t.like(await house.client.nodes.validateNode({ node: 'a' }), { valid: false });
  await t.throwsAsync(refresh(house.client, 'a'), { message: /file:rack7\/bmc does not exist/ });
  t.deepEqual(await ordersAt(sims[0] ?? (await newIpmiSim(t))), ['off']);
});

test('a reference that leads elsewhere is refused, and what is there is not told', async (t) => {
  const { house, secrets } = await openWithSecrets(t);
  const create = (value: string) =>
    house.client.nodes.createNode({
      name: 'n1',
      driver: 'ipmi',
      driverInfo: { ipmi_address: '127.0.0.9', ipmi_password: value },
    });
  const unreadable = { status: 'FAILED_PRECONDITION', code: 'SECRET_UNREADABLE' } as const;
  const outside = /ipmi_password: file:\S+ is not below the agent's secrets_dir/;
  const absent = /ipmi_password: file:\S+ does not exist below the agent's secrets_dir/;
  const rows: Readonly<Record<string, RegExp>> = {
    'file:../outside': outside,
    'file:rack7/../../outside': outside,
    'file:../secrets-not/outside': outside,
    'file:link': outside,
    'file:up/outside': outside,
    'file:.': /file:\. is not below/,
    'file:': /file: is not below/,
    'file:/etc/hostname': absent,
    [`file:${secrets}/rack7/bmc`]: absent,
    'file:nosuch': absent,
    'file:rack7': /file:rack7 is no file/,
    'file:pipe': /file:pipe is no file/,
    'file:big': /file:big is larger than 4096 bytes/,
    'env:OTHER_SECRET': /env:OTHER_SECRET is not allowed; only variables that begin with COUNTERMAND_SECRET_/,
    'env:PATH': /env:PATH is not allowed/,
    'env:COUNTERMAND_SECRET_NOSUCH': /env:COUNTERMAND_SECRET_NOSUCH is not set in the agent's environment/,
  };
  for (const [value, says] of Object.entries(rows)) await refused(t, create(value), { ...unreadable, says }, value);
  const nul = {
    status: 'INVALID_ARGUMENT',
    code: 'ARGUMENT_INVALID',
    says: /ipmi_password contains the character NUL/,
  } as const;
  await refused(t, create('file:ra\0ck7'), nul);
  const says = /ipmi_password: must be at most 20 bytes/;
  await refused(t, create('file:long'), { status: 'INVALID_ARGUMENT', code: 'DRIVER_INFO_INVALID', says });
  // An address or a user name is shown, so it must not stand for what a file holds.
  for (const key of ['ipmi_address', 'ipmi_username', 'ipmi_port', 'nosuch']) {
    const driverInfo = { ipmi_address: '127.0.0.9', [key]: 'file:rack7/bmc' };
    const call = house.client.nodes.createNode({ name: 'n1', driver: 'ipmi', driverInfo });
    const isNone = new RegExp(`driver_info.${key}: file:, env: and vault: stand for secrets, and ${key} is none`);
    await refused(t, call, { status: 'INVALID_ARGUMENT', code: 'DRIVER_INFO_INVALID', says: isNone });
  }
  t.deepEqual((await house.client.nodes.listNodes({})).nodes, []);
  t.false((await everything(house)).includes(OUTSIDE));
});

test('without --secrets-dir no file is read', async (t) => {
  const { client } = await openHouse(t, { here: true });
  const driverInfo = { ipmi_address: '127.0.0.9', ipmi_password: 'file:hostname' };
  const call = client.nodes.createNode({ name: 'n1', driver: 'ipmi', driverInfo });
  const says = /file:hostname cannot be read: the agent has no secrets_dir/;
  await refused(t, call, { status: 'FAILED_PRECONDITION', code: 'SECRET_UNREADABLE', says });
});
