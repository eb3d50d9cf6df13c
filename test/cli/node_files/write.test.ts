/** Nodes of a file as they are written: what is told of those that fail, also on a terminal. */
import test from 'ava';
import type { Step } from '../../../src/cli/node_files/compare.ts';
import { writeSteps } from '../../../src/cli/node_files/write.ts';
import type { Call } from '../../../src/cli/shared/asking.ts';
import { fail } from '../../../src/core/errors.ts';
import { CreateNodeResponse, Node } from '../../../src/gen/countermand/v1/node.ts';
import { type Captured, callOf as disconnected, openCaptured } from '../captured.ts';
import { Screen } from '../screen.ts';

const stepOf = (name: string): Step => ({
  wanted: { place: `node ${name}`, name, uuid: '', driver: 'fake', driverInfo: {}, labels: {} },
  node: null,
  differences: [],
  hasSecrets: false,
});

/** A call to a conductor that refuses the nodes whose names begin with `bad`. */
function callOf(captured: Captured): Call {
  const call = disconnected(captured);
  const createNode = async ({ name = '' }): Promise<CreateNodeResponse> => {
    if (name.startsWith('bad')) throw fail('BMC_TAKEN', `the BMC of ${name} is taken`);
    return CreateNodeResponse.create({ node: Node.create({ name }) });
  };
  return { ...call, conductor: { ...call.conductor, nodes: { ...call.conductor.nodes, createNode } } };
}

const SAYS = ['bad1: the BMC of bad1 is taken', 'bad2: the BMC of bad2 is taken'];

test('each node that fails is told; on a terminal when the live text has gone', async (t) => {
  const steps = ['n1', 'bad1', 'n2', 'bad2', 'n3'].map(stepOf);
  const plain = openCaptured();
  await t.throwsAsync(writeSteps(steps, callOf(plain)), {
    message: /^2 of 5 nodes could not be written: bad1, bad2; /,
  });
  const lines = plain.stdout().split('\n');
  for (const line of ['n1: enrolled', 'n3: enrolled', ...SAYS]) t.true(lines.includes(line), line);

  const terminal = openCaptured(true);
  await t.throwsAsync(writeSteps(steps, callOf(terminal)), { message: /^2 of 5 nodes could not be written/ });
  const screen = new Screen(200, 24);
  await screen.write(terminal.stdout());
  t.deepEqual(screen.lines(), SAYS);
});
