import * as z from 'zod';
import type { ComputeService, ServicePatch } from '../../../../compute/compute.ts';
import { asCountermandError, type CountermandError, fail, failAt } from '../../../../core/errors.ts';
import { pathOf } from '../../../../core/fault_places.ts';
import { sleep } from '../../../../core/signals.ts';
import { type ActionContext, defineActionType, type Result } from '../action_type.ts';
import {
  aboutComputeHost,
  type ComputeHost,
  computeHostOfAction,
  computeOf,
  HOST_LABEL,
  LOOK_MS,
  nodeParameter,
  steadily,
} from './host.ts';
import { type Image, imageOf, numberOf, stillWanted, textOf, writeImage } from './image.ts';

const reason = z.string().min(1).max(255);
const state = z.enum(['enabled', 'disabled']);
const schema = z.strictObject({
  resource_id: nodeParameter,
  state: state.describe('Whether the scheduler may place instances on the host.'),
  disabled_reason: reason.optional().describe('Why it is disabled; the compute service keeps it. Not with enabled.'),
  forced_down: z
    .boolean()
    .optional()
    .describe('Tell the compute service that the host is down, or no longer; only for a host that is powered off.'),
  wait_until_up: z.boolean().default(false).describe('Wait first until the nova-compute of the host reports.'),
  only_if: z
    .strictObject({ state, disabled_reason: reason.nullable() })
    .optional()
    .describe('Of a rollback: change it only if it is in this state for this reason; else it is left alone.'),
});
type Parameters = z.infer<typeof schema>;

/**
 * The action type `change_compute_service_state`. State and reason from before are restored by its undo; a service that another client
 * had disabled, or has touched since, is left as it is.
 */
export const changeComputeServiceState = defineActionType<Parameters>({
  name: 'change_compute_service_state',
  meaning: 'enables or disables the nova-compute of the host of a node',
  whenCancelled: 'it is one write: it had not happened yet, or it is done and stays',
  schema,
  ...aboutComputeHost,

  check(parameters, subject, place) {
    aboutComputeHost.check(parameters, subject, place);
    if (parameters.state !== 'enabled' || parameters.disabled_reason === undefined) return;
    const at = `${place}.input_parameters.disabled_reason`;
    const rule = 'an enabled service has no reason';
    throw failAt('ACTION_PLAN_INVALID', pathOf(at), `${at}: ${rule}`, rule);
  },

  async execute(wanted, context, signal) {
    const image = await imageOf(context);
    if (image !== null) return goOn(wanted, image, hostIn(image, context), context, signal);
    const at = await computeHostOfAction(context);
    const service = wanted.wait_until_up ? await untilUp(at, context, signal) : await serviceOf(at, context, signal);
    const left = whyLeft(wanted, service);
    if (left !== null) return { outcome: 'LEFT_ALONE', message: left };
    await writeImage(imageFrom(service, at), context);
    return change(wanted, service, at, context, signal);
  },

  async abort(wanted, context, signal) {
    const image = await imageOf(context);
    if (image === null) return { kind: 'taken_back', message: 'nothing had been changed', result: {} };
    const at = hostIn(image, context);
    const service = await serviceOf(at, context, signal);
    if (isAs(wanted, service))
      return { kind: 'done', message: 'it was done before it could be taken back', result: resultOf(wanted, at) };
    return { kind: 'taken_back', message: `nova-compute of ${at.host} is ${words(service)}`, result: {} };
  },

  undo(wanted, { action: { beforeImage: image }, node }) {
    if (image === null) return { kind: 'nothing', why: 'nothing was changed' };
    if (node === null) return { kind: 'irreversible', why: 'the node was deleted' };
    const host = textOf(image, 'host');
    const is = node.labels[HOST_LABEL];
    const before = textOf(image, 'state') as Parameters['state'];
    const beforeReason = typeof image.disabled_reason === 'string' ? image.disabled_reason : null;
    const inputParameters = {
      resource_id: node.name,
      state: before,
      ...(before === 'disabled' && beforeReason !== null && { disabled_reason: beforeReason }),
      ...(wanted.forced_down !== undefined && { forced_down: image.forced_down === true }),
      wait_until_up: before === 'enabled' && wanted.forced_down === undefined && image.up !== false,
      only_if: { state: wanted.state, disabled_reason: wanted.disabled_reason ?? null },
    };
    return {
      kind: 'action',
      order: numberOf(image, 'at'),
      what: `nova-compute ${before}`,
      actionType: 'change_compute_service_state',
      inputParameters,
      drift: is === host ? null : `the label ${HOST_LABEL} of ${node.name} is ${is ?? 'gone'}, and was ${host}`,
      isService: true,
    };
  },
});

const hostIn = (image: Image, context: ActionContext): ComputeHost => ({
  compute: computeOf(image, context),
  host: textOf(image, 'host'),
});

/** @throws ACTION_REFUSED if the host has none */
async function serviceOf(at: ComputeHost, context: ActionContext, signal: AbortSignal): Promise<ComputeService> {
  const found = await steadily(() => at.compute.service(at.host, signal), context, signal);
  if (found !== null) return found;
  throw fail('ACTION_REFUSED', `cloud '${at.compute.cloud}' has no nova-compute on host ${at.host}`);
}

/**
 * The service when it reports. One that has just ended counts as up for a minute, so that its word alone proves nothing: a new report
 * does.
 */
async function untilUp(at: ComputeHost, context: ActionContext, signal: AbortSignal): Promise<ComputeService> {
  const first = await serviceOf(at, context, signal);
  for (let service = first; ; service = await serviceOf(at, context, signal)) {
    if (service.state === 'up' && service.updatedAt !== first.updatedAt) return service;
    await sleep(LOOK_MS, context.parts.orders.store.clock, signal);
  }
}

/** Why nothing is changed, or null. Who had disabled a service keeps the reason. */
function whyLeft(wanted: Parameters, service: ComputeService): string | null {
  const { only_if: onlyIf } = wanted;
  if (onlyIf && (service.status !== onlyIf.state || service.disabledReason !== onlyIf.disabled_reason))
    return `nova-compute of ${service.host} is ${words(service)}, and the plan left it ${stateWords(onlyIf.state, onlyIf.disabled_reason)}: it is left alone`;
  const isForced = wanted.forced_down === undefined || wanted.forced_down === service.forcedDown;
  return service.status === wanted.state && isForced && !onlyIf
    ? `nova-compute of ${service.host} is ${words(service)} already`
    : null;
}

const stateWords = (status: string, why: string | null): string => (why === null ? status : `${status} (${why})`);
const words = ({ status, disabledReason, forcedDown }: ComputeService): string =>
  `${stateWords(status, disabledReason)}${forcedDown ? ', forced down' : ''}`;

const imageFrom = (service: ComputeService, { compute }: ComputeHost): Image => ({
  cloud: compute.cloud,
  host: service.host,
  state: service.status,
  disabled_reason: service.disabledReason,
  forced_down: service.forcedDown,
  up: service.state === 'up',
});

const resultOf = (wanted: Parameters, { host }: ComputeHost): Result => ({
  outcome: 'CHANGED',
  message: `nova-compute of ${host} is ${stateWords(wanted.state, wanted.disabled_reason ?? null)}`,
});

function isAs(
  { state: wanted, disabled_reason: why, forced_down: down }: Parameters,
  service: ComputeService,
): boolean {
  const hasReason = wanted === 'enabled' || service.disabledReason === (why ?? null);
  return service.status === wanted && hasReason && (down === undefined || service.forcedDown === down);
}

/** A crash came after the before-image: what is as it was is changed now, and what another client has changed is left. */
async function goOn(
  wanted: Parameters,
  image: Image,
  at: ComputeHost,
  context: ActionContext,
  signal: AbortSignal,
): Promise<Result> {
  const service = await serviceOf(at, context, signal);
  if (isAs(wanted, service)) return resultOf(wanted, at);
  const isBefore =
    service.status === image.state &&
    service.disabledReason === image.disabled_reason &&
    service.forcedDown === image.forced_down;
  if (isBefore) return change(wanted, service, at, context, signal);
  throw fail(
    'ACTION_REFUSED',
    `nova-compute of ${at.host} is ${words(service)}: another client has changed it; it is left alone`,
  );
}

/** The same values twice change nothing: what got no answer is looked at, and written again if need be. */
async function change(
  wanted: Parameters,
  service: ComputeService,
  at: ComputeHost,
  context: ActionContext,
  signal: AbortSignal,
): Promise<Result> {
  const patch: ServicePatch = {
    status: wanted.state,
    ...(wanted.disabled_reason !== undefined && { disabledReason: wanted.disabled_reason }),
    ...(wanted.forced_down !== undefined && { forcedDown: wanted.forced_down }),
  };
  for (;;) {
    await stillWanted(context);
    const error = await at.compute
      .updateService(service.uuid, patch, context.action.uuid, signal)
      .then((): CountermandError | null => null, asCountermandError);
    signal.throwIfAborted();
    if (error === null) return resultOf(wanted, at);
    // After an evacuation the service is refused until its nova-compute has restarted and cleaned up.
    const mayPass = error.row.retryable || (wanted.forced_down === false && error.code === 'COMPUTE_REFUSED');
    if (!mayPass) throw error;
    await sleep(LOOK_MS, context.parts.orders.store.clock, signal);
    if (isAs(wanted, await serviceOf(at, context, signal))) return resultOf(wanted, at);
  }
}
