/** A measurement in a conductor of someone else deletes the nodes that it has enrolled, and no other. */
import test from 'ava';
import { whileEnrolled } from '../../bench/enrolled.ts';

const NAMES = ['bench0', 'bench1', 'bench2', 'bench3', 'bench4'];

/** A conductor that has some nodes already. */
function openForeign(...before: readonly string[]) {
  const nodes = new Set(before);
  const ways = {
    async enrol(name: string) {
      if (nodes.has(name)) throw new Error(`${name} is taken`);
      nodes.add(name);
    },
    async remove(name: string) {
      if (!nodes.delete(name)) throw new Error(`there is no ${name}`);
    },
  };
  return { nodes, ways };
}

test('what was enrolled is deleted after its use', async (t) => {
  const { nodes, ways } = openForeign('theirs');
  t.is(await whileEnrolled(NAMES, 2, ways, async () => nodes.size), 6);
  t.deepEqual([...nodes], ['theirs']);
});

test('nodes that were there before stay', async (t) => {
  const { nodes, ways } = openForeign('bench2', 'bench4');
  const used = whileEnrolled(NAMES, 2, ways, async () => t.fail('not all of them are ours'));
  await t.throwsAsync(used, { message: 'bench2 is taken' });
  t.deepEqual([...nodes], ['bench2', 'bench4']);
});

test('a use that fails, and a deletion that does', async (t) => {
  const { nodes, ways } = openForeign();
  const use = async () => {
    nodes.delete('bench0');
    throw new Error('too slow');
  };
  await t.throwsAsync(whileEnrolled(NAMES, 2, ways, use), { message: 'too slow' });
  t.is(nodes.size, 0);
});
