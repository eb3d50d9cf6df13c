import * as z from 'zod';
import type { Instance } from '../../../../compute/compute.ts';
import { fail } from '../../../../core/errors.ts';
import { sleep } from '../../../../core/signals.ts';
import { type ActionContext, defineActionType, type End, type Result } from '../action_type.ts';
import {
  aboutComputeHost,
  computeHostOfAction,
  computeOf,
  instanceParameter,
  LOOK_MS,
  nodeParameter,
  steadily,
} from './host.ts';
import { type Image, imageOf, numberOf, textOf, writeImage } from './image.ts';

const schema = z.strictObject({ resource_id: nodeParameter, instance: instanceParameter });
type Parameters = z.infer<typeof schema>;

/** An order that left no trace for this long was not taken. */
const UNSEEN_MS = 60_000;

interface Way {
  readonly order: 'stop' | 'start';
  readonly from: string;
  readonly to: string;
  readonly undo: 'stop_instance' | 'start_instance';
}
const STOP: Way = { order: 'stop', from: 'ACTIVE', to: 'SHUTOFF', undo: 'start_instance' };
const START: Way = { order: 'start', from: 'SHUTOFF', to: 'ACTIVE', undo: 'stop_instance' };

/** Orders that were refused, or never sent. */
const unsent = new WeakSet<ActionContext>();

const powerType = (name: string, meaning: string, way: Way) =>
  defineActionType<Parameters>({
    name,
    meaning,
    whenCancelled: 'what was not ordered is not; what was ordered cannot be taken back, and is waited for',
    schema,
    ...aboutComputeHost,

    async execute({ instance }, context, signal) {
      const earlier = await imageOf(context);
      if (earlier !== null) return follow(earlier, way, context, signal);
      const { compute } = await computeHostOfAction(context);
      const found = await steadily(() => compute.instance(instance, signal), context, signal);
      const left = whyLeft(found, instance, way);
      if (found === null || left !== null) return { outcome: 'LEFT_ALONE', message: left };
      const image: Image = { cloud: compute.cloud, instance, name: found.name, host: found.host, status: found.status };
      await writeImage(image, context);
      const sent = await compute.order(instance, { kind: way.order }, context.action.uuid, signal);
      if (sent.kind !== 'refused') return follow(image, way, context, signal);
      unsent.add(context);
      throw sent.error;
    },

    async abort(_parameters, context, signal) {
      const image = await imageOf(context);
      if (image === null || unsent.has(context))
        return { kind: 'taken_back', message: 'NOT_SENT: nothing had been ordered', result: {} };
      const result = await follow(image, way, context, signal);
      return { kind: 'done', message: `TOO_LATE: ${result.message}`, result } satisfies End;
    },

    undo({ instance }, { action: { beforeImage: image }, node }) {
      if (image === null) return { kind: 'nothing', why: 'nothing was ordered' };
      if (node === null) return { kind: 'irreversible', why: 'the node was deleted' };
      return {
        kind: 'action',
        order: numberOf(image, 'at'),
        thing: `instance ${instance}`,
        what: `${way.undo === 'start_instance' ? 'start' : 'stop'} ${textOf(image, 'name')}`,
        actionType: way.undo,
        inputParameters: { resource_id: node.name, instance },
        drift: null,
        needsService: true,
      };
    },
  });

/** The action type `stop_instance`. */
export const stopInstance = powerType('stop_instance', 'shuts an instance of a compute service down', STOP);
/** The action type `start_instance`. */
export const startInstance = powerType('start_instance', 'starts an instance of a compute service', START);

/** Why nothing is ordered, or null. @throws ACTION_REFUSED if it can neither be done nor is done */
function whyLeft(found: Instance | null, uuid: string, { from, to, order }: Way): string | null {
  if (found === null) return `instance ${uuid} is gone`;
  if (found.status === to && found.taskState === null) return `${found.name} is ${to} already`;
  if (found.status === from && found.taskState === null) return null;
  const busy = found.taskState === null ? '' : `, ${found.taskState}`;
  throw fail(
    'ACTION_REFUSED',
    `${found.name} is ${found.status}${busy}; to ${order} it, it has to be ${from} and at rest; nothing was ordered`,
  );
}

/** Looks until it is done. @throws OUTCOME_UNKNOWN if nothing is seen of the order, ACTION_REFUSED if the outcome is another */
async function follow(
  image: Image,
  { order, from, to }: Way,
  context: ActionContext,
  signal: AbortSignal,
): Promise<Result> {
  const compute = computeOf(image, context);
  const [instance, name] = [textOf(image, 'instance'), textOf(image, 'name')];
  const { clock } = context.parts.orders.store;
  const since = clock.monotonic();
  for (;;) {
    const found = await steadily(() => compute.instance(instance, signal), context, signal);
    if (found === null) return { outcome: 'GONE', message: `${name} was deleted meanwhile` };
    if (found.taskState === null && found.status === to) return { outcome: 'DONE', message: `${name} is ${to}` };
    if (found.taskState === null && found.status !== from)
      throw fail('ACTION_REFUSED', `${name} is ${found.status}, and was to ${order}`);
    if (found.taskState === null && clock.monotonic() - since >= UNSEEN_MS)
      throw fail(
        'OUTCOME_UNKNOWN',
        `the order to ${order} ${name} was given, and it is still ${from}; it was not given again`,
      );
    await sleep(LOOK_MS, clock, signal);
  }
}
