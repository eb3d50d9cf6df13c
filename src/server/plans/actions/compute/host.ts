/** Which compute service, and which host of it, an action is about: the labels of its node say. */
import * as z from 'zod';
import type { Clouds, Compute } from '../../../../compute/compute.ts';
import { asCountermandError, fail, failAt } from '../../../../core/errors.ts';
import { pathOf } from '../../../../core/fault_places.ts';
import { sleep } from '../../../../core/signals.ts';
import type { NodeRow } from '../../../store/rows.ts';
import type { PlanParts } from '../../parts.ts';
import type { ActionContext, ActionType } from '../action_type.ts';
import { nodeOfAction } from '../node_of_action.ts';
import { type Image, textOf } from './image.ts';

/** The label with the name of the host in the compute service: `OS-EXT-SRV-ATTR:host` of its instances. */
export const HOST_LABEL = 'compute_host';
/** The label with the name of the cloud in clouds_file; without it, the only one there, or `default`. */
export const CLOUD_LABEL = 'compute_cloud';

/** The parameter that says which node. */
export const nodeParameter = z
  .string()
  .min(1)
  .describe(`The node whose label ${HOST_LABEL} is the host in the compute service, by name or uuid.`);
/** The parameter that says which instance. */
export const instanceParameter = z.uuid().describe('The instance, by its uuid in the compute service.');

/** The compute service of a node, and its host there. */
export interface ComputeHost {
  readonly compute: Compute;
  readonly host: string;
}

/** The cloud of a node that has a host; the names of all clouds decide where its labels do not. */
export const cloudOfNode = ({ labels }: Pick<NodeRow, 'labels'>, { names }: Pick<Clouds, 'names'>): string =>
  labels[CLOUD_LABEL] ?? (names.length === 1 ? names[0] : 'default') ?? 'default';

/** Where a node is in which cloud. @throws ACTION_REFUSED without the label, CLOUD_UNKNOWN */
export function computeHostOf(
  { name, labels }: Pick<NodeRow, 'name' | 'labels'>,
  { clouds }: Pick<PlanParts, 'clouds'>,
): ComputeHost {
  const host = labels[HOST_LABEL];
  if (!host) throw fail('ACTION_REFUSED', withoutLabel(name));
  return { compute: clouds.of(cloudOfNode({ labels }, clouds)), host };
}

const withoutLabel = (node: string): string =>
  `node ${node} has no label ${HOST_LABEL}: it is not known which host of a compute service it is`;

/** The compute service of the node of an action. @throws as computeHostOf, and NODE_NOT_FOUND */
export async function computeHostOfAction(context: ActionContext): Promise<ComputeHost> {
  return computeHostOf(await nodeOfAction(context), context.parts);
}

/** The compute service in which an action has begun, by its before-image: labels may have changed since. @throws CLOUD_UNKNOWN */
export function computeOf(image: Image, { parts }: ActionContext): Compute {
  return parts.clouds.of(textOf(image, 'cloud'));
}

/** What all these action types have: the node is known by its label when the plan is made, and its cloud before it begins. */
export const aboutComputeHost: Pick<
  ActionType<{ readonly resource_id: string }>,
  'nodeOf' | 'check' | 'preCondition'
> = {
  nodeOf: ({ resource_id: node }) => node,
  check(_parameters, { node }, place) {
    if (node && !node.labels[HOST_LABEL])
      throw failAt(
        'ACTION_PLAN_INVALID',
        pathOf(`${place}.input_parameters.resource_id`),
        `${place}: ${withoutLabel(node.name)}`,
        withoutLabel(node.name),
      );
  },
  async preCondition(_parameters, context) {
    await computeHostOfAction(context);
    return null;
  },
};

/** Between two looks at what is going on. */
export const LOOK_MS = 2000;
/** Between two attempts at a service that does not answer. */
const ASK_AGAIN_MS = 5000;

/** The answer to a question that changes nothing, asked again while the service is away. @throws what will not pass by itself */
export async function steadily<T>(ask: () => Promise<T>, { parts }: ActionContext, signal: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asCountermandError(thrown);
      if (!error.code.startsWith('COMPUTE_') || !error.row.retryable) throw thrown;
      parts.log.warn(
        { code: error.code, reason: error.message },
        'a compute service gave no answer; it is asked again',
      );
      await sleep(ASK_AGAIN_MS, parts.orders.store.clock, signal);
    }
  }
}
