/** Orders under the profiler of the conductor itself, by a caller who shows a token and has its role over nodes with a label. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { stringify } from 'yaml';
import { withConductor } from '../../src/cli/shared/connection.ts';
import { systemClock } from '../../src/core/clock.ts';
import { sleep } from '../../src/core/signals.ts';
import { PowerTarget, PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import { type Fleet, orderUntil, withFleet } from '../fleet.ts';
import { type Profile, readSources, type Shares, sharesOf } from './shares.ts';

const NODES = 200;
/** Each round gives every node one order. */
const ROUNDS = 10;
/** Not measured: they compile what is called. */
const FIRST_ROUNDS = 8;
const AT_ONCE = 20;
const LOOK_MS = 50;

const PROFILER = new URL('./profiler.mjs', import.meta.url);
const BUNDLE = fileURLToPath(new URL('../../dist', import.meta.url));
const [ISSUER, AUDIENCE] = ['https://issuer.example', 'countermand'];

/** What one order costs the conductor, agent inside, from the call to its end. */
export interface OrderCost {
  readonly shares: Shares;
  /** Processor time of the main thread, in microseconds. */
  readonly cpuUs: number;
  /** Writes of the log, and their bytes. */
  readonly writes: number;
  readonly bytes: number;
}

/** Measures orders, one after the other in portions. */
export async function profileOrders(signal: AbortSignal, rounds = ROUNDS, nodes = NODES): Promise<OrderCost> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-profile-'));
  try {
    const { flags, token } = await prepareRights(folder);
    const file = join(folder, 'profile');
    const variables = { NODE_OPTIONS: `--import ${PROFILER.href}`, PROFILE: file };
    const all = ['--sync-power-state-interval', '0', ...flags];
    await withFleet(all, (fleet) => run({ rounds, nodes, file }, fleet), signal, { token, variables });
    const { profile, cpuUs, writes, bytes } = JSON.parse(await readFile(file, 'utf8'));
    const shares = sharesOf(profile as Profile, await readSources(BUNDLE));
    const orders = rounds * nodes;
    return { shares, cpuUs: cpuUs / orders, writes: writes / orders, bytes: bytes / orders };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A file of roles and the keys of an issuer, and the token of a caller who makes another token. */
async function prepareRights(folder: string): Promise<{ readonly flags: readonly string[]; readonly token: string }> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  const [keys, access] = [join(folder, 'keys.json'), join(folder, 'access.yaml')];
  await writeFile(keys, JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), alg: 'EdDSA' }] }));
  const bindings = [
    { identities: ['jwt:bench'], role: 'admin' },
    { identities: ['token:*'], role: 'operator', labels: { fleet: 'bench' } },
  ];
  await writeFile(access, stringify({ bindings }));
  const token = await new SignJWT({ sub: 'bench', iss: ISSUER, aud: AUDIENCE })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setExpirationTime('1h')
    .sign(privateKey);
  const jwt = ['--jwt-issuer', ISSUER, '--jwt-audience', AUDIENCE, '--jwt-keys', keys];
  return { flags: ['--access-file', access, ...jwt], token };
}

interface Run {
  readonly rounds: number;
  readonly nodes: number;
  /** Where the profile comes. */
  readonly file: string;
}

async function run({ rounds, nodes: count, file }: Run, fleet: Fleet): Promise<void> {
  const nodes = await fleet.enrolFake(count);
  for (const node of nodes) await fleet.conductor.nodes.updateNode({ node, setLabels: { fleet: 'bench' } });
  const { secret } = await fleet.conductor.access.createToken({ name: 'orders', days: 1 });
  const toggle = async (made: string): Promise<void> => {
    process.kill(fleet.pid, 'SIGUSR2');
    while (!existsSync(made)) await sleep(LOOK_MS, systemClock, fleet.signal);
  };
  await withConductor(
    { address: fleet.address, tls: null, token: secret },
    async (conductor) => {
      const caller: Fleet = { ...fleet, conductor };
      for (let round = 0; round < FIRST_ROUNDS + rounds; round += 1) {
        if (round === FIRST_ROUNDS) await toggle(`${file}.begun`);
        await giveRound(nodes, round % 2 === 0 ? PowerTarget.OFF : PowerTarget.ON, caller);
      }
      await toggle(file);
    },
    { clock: systemClock, signal: fleet.signal },
  );
}

async function giveRound(nodes: readonly string[], target: PowerTarget, fleet: Fleet): Promise<void> {
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    const orders = nodes
      .slice(at, at + AT_ONCE)
      .map((node) => orderUntil(node, target, PowerTaskState.SUCCEEDED, fleet));
    const ended = await Promise.all(orders.map(({ atRest }) => atRest));
    const failed = ended.find(({ state }) => state !== PowerTaskState.SUCCEEDED);
    if (failed) throw new Error(`an order for ${failed.nodeName} failed: ${failed.errorMessage}`);
  }
}
