/** The commands of scenarios that are about the cluster model. */

import { reportClusterEvent } from '../../src/server/audits/cluster_events.ts';
import { changeNode } from '../../src/server/nodes/enrolment.ts';
import { acceptNode } from '../../src/server/power/acceptance.ts';
import { listModelChanges } from '../../src/server/store/cluster_model.ts';
import { getNode } from '../../src/server/store/nodes.ts';
import type { Playing } from './plan_script.ts';

type ModelCommand = (playing: Playing, words: readonly string[]) => Promise<void> | void;

/** The commands about the cluster model. */
export const MODEL_COMMANDS: Readonly<Record<string, ModelCommand>> = {
  /** `change n1 maintenance=true rack=7`: an operator changes a node; what is not maintenance is a label. */
  change: async ({ world }, [node = '', ...words]) => {
    const { maintenance, ...setLabels } = Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
    const rest = { setLabels, removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
    await changeNode(
      { node, ...rest, ...(maintenance === undefined ? {} : { maintenance: maintenance === 'true' }) },
      world.conductor,
    );
  },
  /** `rewire n1 address=m2 password=x`: an operator changes how the BMC is reached; keys of the fake driver, without `fake_`. */
  rewire: async ({ world }, [node = '', ...words]) => {
    const pairs = words.map((word) => word.split('=') as [string, string]);
    const setDriverInfo = Object.fromEntries(pairs.map(([key, value]) => [`fake_${key}`, value]));
    const rest = { setLabels: {}, removeLabels: [], removeDriverInfo: [] };
    await world.finish(changeNode({ node, ...rest, setDriverInfo }, world.conductor));
  },
  /** `accept n1`, `accept n1 GUID`: an operator takes the server that answers for the node's. */
  accept: async ({ world, say }, [node = '', guid = '']) => {
    const accepted = await world.finish(acceptNode({ node, guid }, world.conductor.readings, world.conductor.shutdown));
    say(`${node}: ${accepted.powerState}, GUID ${accepted.bmcGuid ?? 'none'}`);
  },
  /** `identity n1`: which server it is known to be, and what is wrong with that. */
  identity: async ({ world, say }, [name = '']) => {
    const { bmcKey, bmcGuid, guidShared, otherGuid, problem } = await getNode(name, world.database.read);
    const shared = guidShared ? ', which others bear too' : '';
    const other = otherGuid === null ? '' : `; ${otherGuid} answers`;
    say(
      `${bmcKey}: GUID ${bmcGuid ?? 'none'}${shared}${other}${problem === null ? '' : `; ${problem.code}: ${problem.message}`}`,
    );
  },
  /** `report instance.update n[1-2] because it grew`: an event from outside. */
  report: async ({ world, say }, [eventType = '', nodes = '', , ...reason]) => {
    const event = { eventType, nodes: nodes === '' ? [] : [nodes], payload: {}, reason: reason.join(' ') };
    say(`revision ${(await reportClusterEvent(event, world.conductor)).revision}`);
  },
  /** `changes`, `changes 3`: what has changed in the cluster model, from a revision on. */
  changes: async ({ world, say }, [from = '0']) => {
    for (const change of await listModelChanges(Number(from), null, 100, world.database.read)) {
      const { revision, nodeName, what, oldValue, newValue, cause, planUuid } = change;
      const plan = planUuid === null ? '' : `, by ${planUuid}`;
      say(`${revision} ${nodeName}: ${what} ${oldValue} -> ${newValue} (${cause}${plan})`);
    }
  },
};
