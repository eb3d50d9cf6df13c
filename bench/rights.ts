/**
 * What does it cost to ask of each order whether its caller may give it? The same orders are given to two conductors, in turn: to one
 * that knows nobody and lets everybody do everything, and to one with a file of roles, whose caller shows a token and has its role over
 * nodes with a label. Both write the audit trail. What is compared is the processor time of the conductor, agent inside, for an order
 * from the call to its end.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { stringify } from 'yaml';
import { withConductor } from '../src/cli/shared/connection.ts';
import { systemClock } from '../src/core/clock.ts';
import { PowerTarget, PowerTaskState } from '../src/gen/countermand/v1/power.ts';
import { grid, quantile } from './figures.ts';
import { type Fleet, orderUntil, withFleet } from './fleet.ts';
import { cpuOf } from './rpcs/probe.ts';

const NODES = 200;
/** Each round gives every node one order, to one conductor and then to the other. */
const ROUNDS = 4;
/** Not measured: they compile what is called. */
const FIRST_ROUNDS = 8;
const AT_ONCE = 20;
/** The orders of a second for which the cost is stated, and what of a processor it may be. */
const PER_SECOND = 1000;
const AIM_PERCENT = 3;

const WITHOUT_SYNC = ['--sync-power-state-interval', '0'];
const [ISSUER, AUDIENCE] = ['https://issuer.example', 'countermand'];

/** A table. */
export async function rights(signal: AbortSignal): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-rights-'));
  try {
    const { flags, token } = await prepareRights(folder);
    return await withFleet(
      WITHOUT_SYNC,
      (open) => withFleet([...WITHOUT_SYNC, ...flags], (guarded) => compare(open, guarded), signal, { token }),
      signal,
    );
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

async function compare(open: Fleet, guarded: Fleet): Promise<string> {
  const nodes = await open.enrolFake(NODES);
  await guarded.enrolFake(NODES);
  for (const node of nodes) await guarded.conductor.nodes.updateNode({ node, setLabels: { fleet: 'bench' } });
  const { secret } = await guarded.conductor.access.createToken({ name: 'orders', days: 1 });
  const place = { address: guarded.address, tls: null, token: secret };
  const { signal } = guarded;
  return await withConductor(
    place,
    async (conductor) => {
      const caller: Fleet = { ...guarded, conductor };
      const [without, having]: [number[], number[]] = [[], []];
      for (let round = 0; round < FIRST_ROUNDS + ROUNDS; round += 1) {
        const target = round % 2 === 0 ? PowerTarget.OFF : PowerTarget.ON;
        const [one, other] = [await costOfRound(nodes, target, open), await costOfRound(nodes, target, caller)];
        if (round < FIRST_ROUNDS) continue;
        without.push(one);
        having.push(other);
      }
      return tableOf(without, having);
    },
    { clock: systemClock, signal },
  );
}

/** Gives each node an order, and answers the processor time of the conductor for one of them, in milliseconds. */
async function costOfRound(nodes: readonly string[], target: PowerTarget, fleet: Fleet): Promise<number> {
  const before = await cpuOf(fleet.pid);
  for (let at = 0; at < nodes.length; at += AT_ONCE) {
    const orders = nodes
      .slice(at, at + AT_ONCE)
      .map((node) => orderUntil(node, target, PowerTaskState.SUCCEEDED, fleet));
    const ended = await Promise.all(orders.map(({ atRest }) => atRest));
    const failed = ended.find(({ state }) => state !== PowerTaskState.SUCCEEDED);
    if (failed) throw new Error(`an order for ${failed.nodeName} failed: ${failed.errorMessage}`);
  }
  return ((await cpuOf(fleet.pid)) - before) / nodes.length;
}

function tableOf(without: readonly number[], having: readonly number[]): string {
  const [one, other] = [quantile(without, 0.5), quantile(having, 0.5)];
  const percent = ((other - one) * PER_SECOND) / 10;
  const line = (what: string, ms: number, more: readonly string[]) => [what, `${ms.toFixed(3)} ms`, ...more];
  return grid(
    ['', 'processor time of an order', `of a processor at ${PER_SECOND} orders per second`, 'aim'],
    [
      line('whoever calls may do everything', one, ['', '']),
      line('a token, and a role over a label', other, [`${percent.toFixed(1)} % more`, `${AIM_PERCENT} %`]),
    ],
  );
}
