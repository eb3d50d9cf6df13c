/** Which events `countermand events` asks for. */
import test from 'ava';
import { printEvents, type WantedEvents } from '../../../src/cli/events/printing.ts';
import type { Call } from '../../../src/cli/shared/asking.ts';

/** The numbers that are asked for, and those that are printed, where the events from 100 to 1000 are kept. */
async function ask(
  more: Partial<WantedEvents>,
  missing = 0n,
): Promise<{ readonly from: bigint[]; readonly printed: bigint[] }> {
  const from: bigint[] = [];
  const printed: bigint[] = [];
  const notifications = {
    getNewestSequence: async () => ({ newestSequence: 1000n, oldestSequence: 100n, databaseId: 'd' }),
    async *subscribe({ fromSequence }: { readonly fromSequence: bigint }) {
      from.push(fromSequence);
      for (let sequence = fromSequence > 100n ? fromSequence : 100n; sequence <= 1000n; sequence += 1n)
        if (sequence !== missing) yield { event: { sequence, eventType: 'audit.create' } };
    },
  };
  const output = { json: true, message: (_: unknown, { sequence }: { sequence: bigint }) => printed.push(sequence) };
  const wanted = { from: undefined, sinceS: undefined, tail: undefined, eventTypes: undefined };
  const call = { conductor: { notifications }, output } as unknown as Call;
  await printEvents({ ...wanted, databaseId: undefined, follow: false, ...more }, call);
  return { from, printed };
}

test('the last of all events are asked for by their numbers, and no others are', async (t) => {
  t.deepEqual(await ask({ tail: 2 }), { from: [999n], printed: [999n, 1000n] });
  const holed = await ask({ tail: 2 }, 999n);
  t.deepEqual(holed, { from: [999n, 0n], printed: [998n, 1000n] }, 'a number is missing');
  const many = await ask({ tail: 5000 });
  t.deepEqual([many.from, many.printed.length], [[0n], 901]);
});

test('the last of some events are looked for among all', async (t) => {
  t.deepEqual(await ask({ tail: 2, eventTypes: ['audit.*'] }), { from: [0n], printed: [999n, 1000n] });
  t.deepEqual(await ask({ tail: 2, from: 998n }), { from: [998n], printed: [999n, 1000n] });
  const isWanted = ({ sequence }: { readonly sequence: bigint }): boolean => sequence < 300n;
  t.deepEqual(await ask({ tail: 2, isWanted }), { from: [0n], printed: [298n, 299n] });
});
