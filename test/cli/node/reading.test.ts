/** `node show`: what the conductor is asked for, and how often. */
import test from 'ava';
import { showNodes } from '../../../src/cli/node/reading.ts';
import type { SelectorFlags } from '../../../src/cli/shared/selection.ts';
import { GetNodeResponse, ListNodesResponse, Node } from '../../../src/gen/countermand/v1/node.ts';
import { callOf, openCaptured } from '../captured.ts';

const FLEET = ['n1', 'n2', 'n3'].map((name) => Node.fromPartial({ name, uuid: `uuid-${name}`, labels: { rack: '7' } }));

const SHOWS: readonly (readonly [line: string, flags: SelectorFlags, asks: string, names: string | RegExp])[] = [
  ['n2', {}, 'get n2', 'n2'],
  ['n[2-2]', {}, 'get n2', 'n2'],
  ['n[1-2]', {}, 'list', 'n1 n2'],
  ['n3 n1', {}, 'list', 'n1 n3'],
  ['', { all: true }, 'list', 'n1 n2 n3'],
  ['', { label: ['rack=7'] }, 'list', 'n1 n2 n3'],
  ['n2', { label: ['rack=7'] }, 'list', 'n2'],
  ['n2', { label: ['rack=8'] }, 'list', /^no node is one of n2 and labelled rack=8; nothing was done$/],
  ['n1 n9', {}, 'list', /^there is no node 'n9'/],
  ['n1', { all: true }, '', /^--all is every node/],
  ['', {}, '', /^no node is selected/],
];
for (const [line, flags, asks, names] of SHOWS)
  test(`node show ${line} ${JSON.stringify(flags)}`, async (t) => {
    const captured = openCaptured();
    const call = callOf(captured, true);
    const asked: string[] = [];
    const nodes = {
      ...call.conductor.nodes,
      async getNode({ node = '' }) {
        asked.push(`get ${node}`);
        return GetNodeResponse.create({ node: FLEET.find(({ name }) => name === node) });
      },
      async listNodes() {
        asked.push('list');
        return ListNodesResponse.create({ nodes: FLEET });
      },
    };
    const words = line.split(' ').filter((word) => word !== '');
    const shown = showNodes(words, flags, { ...call, conductor: { ...call.conductor, nodes } });
    if (typeof names === 'string') {
      await shown;
      const lines = captured.stdout().trimEnd().split('\n');
      t.is(lines.map((one) => JSON.parse(one).name).join(' '), names);
    } else await t.throwsAsync(shown, { message: names });
    t.is(asked.join(), asks);
  });
