/** The simulated Redfish service is used by what others have written: Debian's redfishtool, python3-sushy, fence_redfish and ansible. */
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';
import type { SimSystem } from '../../src/sim/redfish/sim_redfish.ts';
import type { TreeName } from '../../src/sim/redfish/trees.ts';
import { selfSigned } from '../counterparts/certificates.ts';
import { type PythonEnd, pythonPrograms } from '../counterparts/python_programs.ts';
import { newSimRedfish, REDFISH_PASSWORD, type TestedRedfish } from '../counterparts/sim_redfish.ts';

const SUSHY = fileURLToPath(new URL('../counterparts/sushy_ask.py', import.meta.url));
const ANSIBLE = fileURLToPath(new URL('../../node_modules/.cache/countermand-ansible', import.meta.url));
const ANSIBLE_MODULE = 'ansible_collections.community.general.plugins.modules.redfish_command';

const run = pythonPrograms({
  folders: [ANSIBLE, '/usr/share/fence'],
  modules: ['requests', 'sushy', 'redfishtoollib', 'fencing', ANSIBLE_MODULE],
});

function redfishtool(
  { info }: TestedRedfish,
  auth: 'Basic' | 'Session',
  ...words: readonly string[]
): Promise<PythonEnd> {
  const host = String(info.redfish_address).replace(/^https?:\/\//, '');
  const secure = String(info.redfish_address).startsWith('https') ? 'Always' : 'Never';
  const login = ['-u', 'admin', '-p', REDFISH_PASSWORD];
  return run({ path: '/usr/bin/redfishtool' }, ['-r', host, ...login, '-S', secure, '-A', auth, ...words]);
}

async function sushy(
  { info }: TestedRedfish,
  asked: { readonly auth: string; readonly system: string; readonly resets: readonly string[] },
): Promise<{ before: string; after: string; uuid: string; allowed: string[] }> {
  const address = info.redfish_address;
  const told = { ...asked, address, username: 'admin', password: REDFISH_PASSWORD };
  const { exitCode, stdout, stderr } = await run({ path: SUSHY }, [], JSON.stringify(told));
  if (exitCode !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

test('redfishtool reads and resets, with Basic and with a session, over http and https', async (t) => {
  for (const [auth, tls] of [
    ['Basic', undefined],
    ['Session', await selfSigned(t, ownAddress())],
  ] as const) {
    const tested = await newSimRedfish(t, tls === undefined ? {} : { tls });
    const off = await redfishtool(tested, auth, 'Systems', '-I', '1', 'reset', 'ForceOff');
    t.is(off.exitCode, 0, off.stderr);
    const state = await redfishtool(tested, auth, 'Systems', '-I', '1', '-P', 'PowerState', 'get');
    t.deepEqual(JSON.parse(state.stdout), { PowerState: 'Off' });
    t.is((await redfishtool(tested, auth, 'Systems', '-I', '1', 'reset', 'On')).exitCode, 0);
    t.is(tested.host.power, 'power on');
    t.deepEqual(
      tested.redfish.done.map(({ resetType }) => resetType),
      ['ForceOff', 'On'],
    );
    t.is(tested.redfish.sessionCounts.opened > 0, auth === 'Session');
    t.is(tested.redfish.openSessions, 0);
  }
});

for (const auth of ['basic', 'session', 'auto'])
  test(`sushy reads and resets, login: ${auth}`, async (t) => {
    const tested = await newSimRedfish(t);
    const seen = await sushy(tested, { auth, system: '/redfish/v1/Systems/1', resets: ['ForceRestart', 'ForceOff'] });
    t.like(seen, { before: 'On', after: 'Off', uuid: tested.redfish.parts.systems[0]?.uuid });
    t.deepEqual(seen.allowed, [...tested.redfish.faults.resetTypes].sort());
    t.deepEqual(
      tested.redfish.done.map(({ resetType }) => resetType),
      ['ForceRestart', 'ForceOff'],
    );
    t.is(tested.redfish.openSessions, 0);
  });

/** fence_redfish takes what it is told from stdin, so that no password is on a command line. It speaks https only. */
async function fence({ info }: TestedRedfish, action: 'on' | 'off' | 'status' | 'reboot' | 'diag'): Promise<number> {
  const { hostname, port } = new URL(String(info.redfish_address));
  const login = ['username=admin', `password=${REDFISH_PASSWORD}`];
  const where = [`ip=${hostname}`, `ipport=${port}`, 'ssl_insecure=1', 'systems_uri=/redfish/v1/Systems/1'];
  const told = [...where, ...login, `action=${action}`, 'stonith_status_sleep=0', 'power_timeout=300'];
  return (await run({ path: '/usr/sbin/fence_redfish' }, [], `${told.join('\n')}\n`)).exitCode;
}

/** What it answers to `status`. */
const [FENCE_ON, FENCE_OFF] = [0, 2];

test('fence_redfish reads, switches and reboots', async (t) => {
  const tested = await newSimRedfish(t, { tls: await selfSigned(t, ownAddress()) });
  t.is(await fence(tested, 'status'), FENCE_ON);
  t.is(await fence(tested, 'off'), 0);
  t.is(tested.host.power, 'power off');
  t.is(await fence(tested, 'status'), FENCE_OFF);
  t.is(await fence(tested, 'on'), 0);
  t.is(await fence(tested, 'reboot'), 0);
  t.is(await fence(tested, 'diag'), 0);
  t.deepEqual(
    tested.redfish.done.map(({ resetType }) => resetType),
    ['ForceOff', 'On', 'ForceOff', 'On', 'Nmi'],
  );
  t.is(tested.redfish.refusedLogins, 0);
});

test('fence_redfish believes Off while the Chassis says On: the trap is there for others, too', async (t) => {
  const faults = { chassisLagMs: Number.POSITIVE_INFINITY };
  const tested = await newSimRedfish(t, { tls: await selfSigned(t, ownAddress()), faults });
  t.is(await fence(tested, 'off'), 0);
  t.is(await fence(tested, 'status'), FENCE_OFF);
  t.true(tested.redfish.isChassisOn(tested.redfish.parts.systems[0] as SimSystem));
});

/** The module `redfish_command` of community.general, as ansible runs it. It speaks https only. */
async function ansible(
  { info }: TestedRedfish,
  ...command: readonly string[]
): Promise<{ changed?: boolean; msg: string }> {
  const { host: baseuri } = new URL(String(info.redfish_address));
  const login = { username: 'admin', password: REDFISH_PASSWORD };
  const args = { ...login, category: 'Systems', command, baseuri, resource_id: '1' };
  const { stdout, stderr } = await run({ module: ANSIBLE_MODULE }, [], JSON.stringify({ ANSIBLE_MODULE_ARGS: args }));
  // What it says is JSON, also when it failed.
  if (stdout.trim() === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('ansible switches, reboots and shuts down, and sends nothing where the state is there', async (t) => {
  const tested = await newSimRedfish(t, { tls: await selfSigned(t, ownAddress()) });
  for (const command of ['PowerOn', 'PowerForceOff', 'PowerForceOff', 'PowerOn', 'PowerForceRestart'])
    t.regex((await ansible(tested, command)).msg, /^Action was successful/, command);
  t.is((await ansible(tested, 'PowerGracefulShutdown')).changed, true);
  t.deepEqual(
    tested.redfish.done.map(({ resetType }) => resetType),
    ['ForceOff', 'On', 'ForceRestart', 'GracefulShutdown'],
  );
});

test('ansible pulls the plug where a soft off is not offered: the trap is there for others, too', async (t) => {
  const faults = { resetTypes: ['On', 'ForceOff', 'ForceRestart'] };
  const tested = await newSimRedfish(t, { tls: await selfSigned(t, ownAddress()), faults });
  await ansible(tested, 'PowerGracefulShutdown');
  t.deepEqual(
    tested.redfish.done.map(({ resetType }) => resetType),
    ['ForceOff'],
  );
});

for (const [like, system] of [
  ['dell-idrac9-r750', '/redfish/v1/Systems/System.Embedded.1'],
  ['hpe-ilo5-trailing-slashes', '/redfish/v1/Systems/1/'],
  ['lenovo-xcc-sr670', '/redfish/v1/Systems/1'],
] as const satisfies readonly (readonly [TreeName, string])[])
  test(`sushy uses a service like ${like}`, async (t) => {
    const tested = await newSimRedfish(t, { like });
    const seen = await sushy(tested, { auth: 'basic', system, resets: ['GracefulShutdown'] });
    t.like(seen, { before: 'On', after: 'Off' });
    t.deepEqual(
      tested.redfish.done.map(({ resetType }) => resetType),
      ['GracefulShutdown'],
    );
  });
