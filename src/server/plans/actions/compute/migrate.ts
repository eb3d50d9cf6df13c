import * as z from 'zod';
import type { ComputeService, Instance, InstanceMigration } from '../../../../compute/compute.ts';
import { fail } from '../../../../core/errors.ts';
import { sleep } from '../../../../core/signals.ts';
import { type ActionContext, defineActionType, type Result } from '../action_type.ts';
import {
  aboutComputeHost,
  type ComputeHost,
  computeHostOfAction,
  HOST_LABEL,
  instanceParameter,
  LOOK_MS,
  nodeParameter,
  steadily,
} from './host.ts';
import { type Image, imageOf, numberOf, stillWanted, textOf, writeImage } from './image.ts';
import { recordOf } from './judge.ts';
import { failure, followMove, type Moving, movingOf, resultOf, sendMove, takeBackMove } from './moving.ts';

const schema = z.strictObject({
  resource_id: nodeParameter,
  instance: instanceParameter,
  kind: z
    .enum(['live', 'cold', 'auto'])
    .default('auto')
    .describe('live: the guest goes on; cold: it is shut down and started; auto: live if it runs, else cold.'),
  destination: z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('The host that it goes to, as the compute service calls it; absent: the scheduler chooses.'),
  confirm: z
    .boolean()
    .default(false)
    .describe(
      'Confirm a cold migration when it has arrived. Until then it can be reverted; afterwards it can only be migrated again.',
    ),
  back_from: z
    .int()
    .min(0)
    .optional()
    .describe(
      'Of a rollback: the newest migration before the move that it undoes. What was not moved, or was moved again since, is left alone.',
    ),
});
type Parameters = z.infer<typeof schema>;

/**
 * The action type `migrate`. The before-image is written in a transaction of its own just before the one order; an execution that
 * finds it sends nothing, and looks what became of it.
 */
export const migrate = defineActionType<Parameters>({
  name: 'migrate',
  meaning: 'moves an instance of a compute service away from the host of a node, or back to it',
  whenCancelled:
    'a live migration is aborted as soon as the compute service takes an abort; a cold one cannot be stopped, and is reverted when it has arrived; what was confirmed stays',
  schema,
  ...aboutComputeHost,

  async execute(parameters, context, signal) {
    const earlier = await imageOf(context);
    if (earlier !== null) return finish(parameters, movingOf(earlier, context), signal);
    const at = await computeHostOfAction(context);
    const begun = await begin(parameters, at, context, signal);
    if (begun.kind === 'nothing') return begun.result;
    return finish(parameters, begun.moving, signal);
  },

  async abort(_parameters, context, signal) {
    const image = await imageOf(context);
    if (image === null) return { kind: 'taken_back', message: 'nothing had been ordered', result: {} };
    return takeBackMove(movingOf(image, context), signal);
  },

  undo({ instance }, { action: { beforeImage: image, result }, node }) {
    if (image === null) return { kind: 'nothing', why: 'nothing was ordered' };
    if (node === null) return { kind: 'irreversible', why: 'the node was deleted' };
    if (result?.outcome === 'GONE') return { kind: 'nothing', why: 'the instance was deleted' };
    if (image.kind === 'revert')
      return { kind: 'irreversible', why: 'a cold migration that was reverted is not made again' };
    const host = textOf(image, 'host');
    const is = node.labels[HOST_LABEL];
    return {
      kind: 'action',
      order: numberOf(image, 'at'),
      thing: `instance ${instance}`,
      what: `${textOf(image, 'name')} back to ${host}`,
      actionType: 'migrate',
      inputParameters: {
        resource_id: node.name,
        instance,
        destination: host,
        back_from: numberOf(image, 'after'),
        confirm: true,
      },
      drift: is === host ? null : `the label ${HOST_LABEL} of ${node.name} is ${is ?? 'gone'}, and was ${host}`,
      needsService: true,
    };
  },
});

type Begun = { readonly kind: 'nothing'; readonly result: Result } | { readonly kind: 'sent'; readonly moving: Moving };

const nothing = (outcome: string, message: string) => ({ kind: 'nothing', result: { outcome, message } }) as const;

/** Looks, writes the before-image, and gives the order. */
async function begin(
  parameters: Parameters,
  at: ComputeHost,
  context: ActionContext,
  signal: AbortSignal,
): Promise<Begun> {
  const { compute } = at;
  const ready = await untilReady(parameters, at, context, signal);
  if (ready.kind === 'nothing') return ready;
  const { found, after, way } = ready;
  const { name, host: from, status } = found;
  const image: Image = {
    cloud: compute.cloud,
    instance: parameters.instance,
    name,
    host: from,
    status,
    kind: way.kind,
    destination: parameters.destination ?? null,
    after,
    reverts: way.reverts,
  };
  await writeImage(image, context);
  const moving = movingOf(image, context);
  const order =
    way.kind === 'revert' ? ({ kind: 'revert' } as const) : { kind: way.kind, host: parameters.destination ?? null };
  await sendMove(moving, order, signal);
  return { kind: 'sent', moving };
}

/** An instance that can be moved now: `after` is its newest migration so far. */
interface Ready {
  readonly kind: 'ready';
  readonly found: Instance;
  readonly after: number;
  readonly way: Exclude<Way, string>;
}

/** Looks until there is an order to give, or none. Of a move back, the host that it goes to has to be up. @throws ACTION_REFUSED */
async function untilReady(
  parameters: Parameters,
  at: ComputeHost,
  context: ActionContext,
  signal: AbortSignal,
): Promise<Ready | (Begun & { readonly kind: 'nothing' })> {
  const { instance, destination, back_from: backFrom } = parameters;
  for (;;) {
    const found = await untilIdle(instance, at, context, signal);
    if (found === null) return nothing('GONE', `instance ${instance} is gone`);
    const migrations = await steadily(() => at.compute.migrationsOf(instance, signal), context, signal);
    const way = backFrom === undefined ? wayThere(parameters, found, at.host) : wayBack(parameters, found, migrations);
    if (typeof way === 'string') return nothing('LEFT_ALONE', way);
    const ready: Ready = { kind: 'ready', found, after: migrations[0]?.id ?? 0, way };
    if (backFrom === undefined || destination === undefined) return ready;
    const home = await steadily(() => at.compute.service(destination, signal), context, signal);
    if (way.kind !== 'revert') mustBeOpen(found, destination, home);
    if (home?.state === 'up') return ready;
    await sleep(LOOK_MS, context.parts.orders.store.clock, signal);
  }
}

/**
 * A host that others have disabled takes no instance, and it is not for a rollback to open it. That is a failure: what the instance
 * keeps running on is not powered off by the same rollback.
 * @throws ACTION_REFUSED
 */
function mustBeOpen({ name, host }: Instance, home: string, service: ComputeService | null): void {
  const stays = `${name} stays on ${host}, nothing was ordered`;
  if (service === null) throw fail('ACTION_REFUSED', `host ${home} has no nova-compute any more; ${stays}`);
  if (service.status === 'enabled') return;
  const why = service.disabledReason === null ? '' : ` (${service.disabledReason})`;
  const instead = 'enable the host, then the instance can be migrated to it';
  throw fail('ACTION_REFUSED', `host ${home} is disabled${why} and takes no instances; ${stays}; ${instead}`);
}

/** What another client does with an instance is waited for: the order would be refused. Null if the instance is gone. */
async function untilIdle(
  uuid: string,
  { compute }: ComputeHost,
  context: ActionContext,
  signal: AbortSignal,
): Promise<Instance | null> {
  for (;;) {
    const found = await steadily(() => compute.instance(uuid, signal), context, signal);
    if (found === null || found.taskState === null) return found;
    await sleep(LOOK_MS, context.parts.orders.store.clock, signal);
  }
}

/** How an instance is moved; a sentence if it must be left alone. */
type Way = { readonly kind: 'live' | 'cold' | 'revert'; readonly reverts: number | null } | string;

/** @throws ACTION_REFUSED if it cannot be moved, or is on a third host */
function wayThere({ kind, destination }: Parameters, instance: Instance, host: string): Way {
  const { name, host: is } = instance;
  if (destination !== undefined && is === destination) return `${name} is on ${is} already`;
  // A move that names where it ends may begin there too: back to the host of the node.
  if (is !== host && destination === undefined)
    return `${name} is on ${is ?? 'no host'} and not on ${host}: there is nothing to move`;
  if (is !== host && destination !== host)
    throw fail('ACTION_REFUSED', `${name} is on ${is ?? 'no host'}, and not on ${host}; nothing was ordered`);
  return { kind: kindFor(kind, instance), reverts: null };
}

/** The way back of what a plan has moved, if it is still where the plan left it. */
function wayBack(parameters: Parameters, instance: Instance, migrations: readonly InstanceMigration[]): Way {
  const { destination: home = '', back_from: after = 0, kind } = parameters;
  const { name, host, status } = instance;
  const types = (['live', 'cold'] as const).map((each) =>
    recordOf({ kind: each, host: home, after, reverts: null }, migrations),
  );
  const [moved] = types.filter((each) => each !== null).sort((one, other) => one.id - other.id);
  if (host === home) return `${name} is on ${home}`;
  if (moved === undefined) return `${name} is on ${host ?? 'no host'}, and the plan had not moved it: it is left alone`;
  if (migrations.some(({ id }) => id > moved.id) || host !== moved.dest)
    return `${name} is on ${host ?? 'no host'}, and the plan left it on ${moved.dest}: it is left alone`;
  if (status === 'VERIFY_RESIZE') return { kind: 'revert', reverts: moved.id };
  return { kind: kindFor(kind, instance), reverts: null };
}

const LIVE = ['ACTIVE', 'PAUSED'];
const COLD = ['ACTIVE', 'SHUTOFF'];

/** @throws ACTION_REFUSED if it cannot be moved in this way */
function kindFor(kind: Parameters['kind'], { name, status, fault }: Instance): 'live' | 'cold' {
  if (kind !== 'cold' && LIVE.includes(status)) return 'live';
  if (kind !== 'live' && COLD.includes(status)) return 'cold';
  const why = status === 'ERROR' && fault !== '' ? ` (${fault})` : '';
  const needs = kind === 'live' ? LIVE : kind === 'cold' ? COLD : [...new Set([...LIVE, ...COLD])];
  throw fail(
    'ACTION_REFUSED',
    `${name} is ${status}${why}; to be moved it has to be ${needs.join(' or ')}; nothing was ordered`,
  );
}

/** Looks until the end, and confirms where that is wanted. @throws MIGRATION_FAILED, OUTCOME_UNKNOWN */
async function finish({ confirm }: Parameters, moving: Moving, signal: AbortSignal): Promise<Result> {
  const { name, context, move } = moving;
  let isConfirmed = false;
  for (;;) {
    const verdict = await followMove(moving, signal);
    if (verdict.is === 'gone') return resultOf(moving, 'GONE', `${name} was deleted meanwhile`, null);
    if (verdict.is === 'moved') return resultOf(moving, 'MOVED', `${name} is on ${verdict.host}`, verdict.migration);
    if (verdict.is === 'back' && move.kind === 'revert')
      return resultOf(moving, 'REVERTED', `${name} is on ${verdict.migration.source}`, verdict.migration);
    if (verdict.is !== 'arrived') throw await failure(moving, verdict, signal);
    const { migration } = verdict;
    if (!confirm)
      return resultOf(
        moving,
        'ARRIVED',
        `${name} is on ${migration.dest}, and waits to be confirmed or reverted`,
        migration,
      );
    if (!isConfirmed) isConfirmed = await confirmMove(moving, signal);
    await sleep(LOOK_MS, context.parts.orders.store.clock, signal);
  }
}

/** True if it was taken; false if its answer was lost, so that it is looked at again. @throws the error of a refusal */
async function confirmMove({ compute, instance, context }: Moving, signal: AbortSignal): Promise<boolean> {
  await stillWanted(context);
  const sent = await compute.order(instance, { kind: 'confirm' }, context.action.uuid, signal);
  signal.throwIfAborted();
  if (sent.kind === 'refused') throw sent.error;
  return sent.kind === 'accepted';
}
