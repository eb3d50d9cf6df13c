/** A transport that throws at any call: each fault is an error of that BMC, and of no other. */
import test from 'ava';
import fc from 'fast-check';
import { getChassisStatus } from '../../../src/drivers/ipmi/rmcp/commands.ts';
import { DEFAULT_LIMITS, Pool } from '../../../src/drivers/ipmi/rmcp/pool.ts';
import { RmcpError } from '../../../src/drivers/ipmi/rmcp/rmcp_error.ts';
import { DEFAULT_PATIENCE } from '../../../src/drivers/ipmi/rmcp/session.ts';
import type { Transport } from '../../../src/drivers/ipmi/rmcp/transport.ts';
import { never } from '../../counterparts/signals.ts';
import { seededChance } from '../../world/chance.ts';
import { settle, targetOf, Wire } from './wire.ts';

const CODES = ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EMFILE', 'ENOBUFS', 'ERR_SOCKET_DGRAM_NOT_CONNECTED'];
const CALLS = ['open', 'send', 'close', 'afterArrivals', 'resolve'] as const;

/** The wire, which for the host `bad` throws at some of the calls. */
function throwing(wire: Wire, calls: readonly string[], share: number, seed: number): Transport {
  const chance = seededChance(seed);
  const perhaps = (call: string, host = 'bad'): void => {
    if (host !== 'bad' || !calls.includes(call) || chance.fraction() >= share) return;
    const code = chance.pick(CODES);
    throw Object.assign(new Error(`${call} ${code}`), { code });
  };
  return {
    resolve: async (host, anew) => {
      perhaps('resolve', host);
      return wire.resolve(host, anew);
    },
    open(address, port, hearer) {
      perhaps('open', address);
      const line = wire.open(address, port, hearer);
      return {
        send: (datagram) => {
          perhaps('send', address);
          line.send(datagram);
        },
        close: () => {
          line.close();
          perhaps('close', address);
        },
      };
    },
    afterArrivals(action) {
      perhaps('afterArrivals');
      wire.afterArrivals(action);
    },
  };
}

test('whatever a transport throws, a command answers or fails by an error of ours, and other BMCs answer', async (t) => {
  const unhandled: unknown[] = [];
  const note = (error: unknown): unknown => unhandled.push(error);
  process.on('unhandledRejection', note);
  t.teardown(() => process.off('unhandledRejection', note));
  await fc.assert(
    fc.asyncProperty(
      fc.subarray([...CALLS], { minLength: 1 }),
      fc.constantFrom(0.1, 0.5, 1),
      fc.nat(),
      async (calls, share, seed) => {
        const wire = new Wire();
        wire.add('bad');
        wire.add('good');
        const transport = throwing(wire, calls, share, seed);
        const random = (count: number): Buffer => wire.chance.bytes(count);
        const pool = new Pool({
          transport,
          clock: wire.clock,
          random,
          limits: DEFAULT_LIMITS,
          patience: DEFAULT_PATIENCE,
        });
        const ask = (host: string) => settle(pool.run(targetOf(host), getChassisStatus, never()), wire.clock);
        for (let round = 0; round < 3; round += 1) {
          const bad = ask('bad');
          const { error } = await bad;
          if (error !== undefined && !(error instanceof RmcpError)) throw error;
          const good = await ask('good');
          if (good.error !== undefined) throw good.error;
        }
        await pool.close();
      },
    ),
    { numRuns: 150 },
  );
  t.deepEqual(unhandled, []);
});
