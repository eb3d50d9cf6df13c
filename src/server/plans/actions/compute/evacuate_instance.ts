import * as z from 'zod';
import { isWithin } from '../../../../core/clock.ts';
import { fail } from '../../../../core/errors.ts';
import { mayStillChange } from '../../../nodes/windows.ts';
import { findNode } from '../../../store/nodes.ts';
import { type ActionContext, defineActionType, type Result } from '../action_type.ts';
import { nodeOfAction } from '../node_of_action.ts';
import { aboutComputeHost, computeHostOfAction, instanceParameter, nodeParameter, steadily } from './host.ts';
import { type Image, imageOf, writeImage } from './image.ts';
import { failure, followMove, type Moving, movingOf, resultOf, sendMove, takeBackMove } from './moving.ts';

const schema = z.strictObject({
  resource_id: nodeParameter,
  instance: instanceParameter,
  destination: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The host that it goes to; absent: the scheduler chooses.'),
});
type Parameters = z.infer<typeof schema>;

/**
 * The action type `evacuate_instance`: an instance of a dead host is built anew elsewhere. It begins only while the node is seen off: of a
 * host that runs behind a broken network, there would be two guests on one volume.
 */
export const evacuateInstance = defineActionType<Parameters>({
  name: 'evacuate_instance',
  meaning:
    'builds an instance of a dead host anew on another host, only while its node is seen off; it cannot be undone, and what was on a local disk is lost',
  whenCancelled: 'what was not ordered is not; what was ordered cannot be taken back, and is waited for',
  schema,
  ...aboutComputeHost,

  async preCondition(parameters, context) {
    await mustBeOff(context);
    return aboutComputeHost.preCondition(parameters, context);
  },

  async execute(parameters, context, signal) {
    const earlier = await imageOf(context);
    if (earlier !== null) return finish(movingOf(earlier, context), signal);
    const { compute, host } = await computeHostOfAction(context);
    const found = await steadily(() => compute.instance(parameters.instance, signal), context, signal);
    if (found === null) return { outcome: 'GONE', message: `instance ${parameters.instance} is gone` };
    if (found.host !== host)
      return { outcome: 'LEFT_ALONE', message: `${found.name} is on ${found.host ?? 'no host'} and not on ${host}` };
    const migrations = await steadily(() => compute.migrationsOf(parameters.instance, signal), context, signal);
    const image: Image = {
      cloud: compute.cloud,
      instance: parameters.instance,
      name: found.name,
      host,
      status: found.status,
      kind: 'evacuate',
      after: migrations[0]?.id ?? 0,
    };
    await mustBeOff(context);
    await writeImage(image, context);
    const moving = movingOf(image, context);
    await sendMove(moving, { kind: 'evacuate', host: parameters.destination ?? null }, signal);
    return finish(moving, signal);
  },

  async abort(_parameters, context, signal) {
    const image = await imageOf(context);
    if (image === null) return { kind: 'taken_back', message: 'nothing had been ordered', result: {} };
    return takeBackMove(movingOf(image, context), signal);
  },

  undo: (_parameters, { action: { beforeImage } }) =>
    beforeImage === null
      ? { kind: 'nothing', why: 'nothing was ordered' }
      : { kind: 'irreversible', why: 'an evacuation cannot be undone: the instance was built anew' },
});

/** What was read before that says nothing of a node that may have been switched on since. */
const READ_WITHIN_MS = 600_000;

/** @throws ACTION_REFUSED unless the node was seen off, and nothing may still change that */
async function mustBeOff(context: ActionContext): Promise<void> {
  const { store } = context.parts.orders;
  const { uuid } = await nodeOfAction(context);
  const node = await findNode(uuid, store.database.read);
  if (node === null) throw fail('NODE_NOT_FOUND', 'the node was deleted');
  const { powerStateReadAt } = node;
  const isNew = powerStateReadAt !== null && isWithin(READ_WITHIN_MS, powerStateReadAt, store.clock.now());
  const isOff = node.powerState === 'power off' && node.problem === null && node.heldBy === null;
  if (isOff && isNew && !mayStillChange(node, store)) return;
  throw fail(
    'ACTION_REFUSED',
    `node ${node.name} is not known to be off (${isOff ? 'it was not read in the last ten minutes' : (node.powerState ?? 'unknown')}): an instance that still runs there would be doubled; power it off first`,
  );
}

async function finish(moving: Moving, signal: AbortSignal): Promise<Result> {
  const verdict = await followMove(moving, signal);
  if (verdict.is === 'gone') return resultOf(moving, 'GONE', `${moving.name} was deleted meanwhile`, null);
  if (verdict.is === 'moved')
    return resultOf(moving, 'MOVED', `${moving.name} is on ${verdict.host}`, verdict.migration);
  throw await failure(moving, verdict, signal);
}
