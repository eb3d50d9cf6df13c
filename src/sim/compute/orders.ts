/** Orders to a pretended compute service: which it takes, and which it refuses at once. */
import { errorOf, type WebAnswer } from './answers.ts';
import type { Call } from './call.ts';
import type { SimAction, SimInstance } from './model.ts';

/** An order for one instance, found and not yet looked at. */
interface InstanceOrder extends Call {
  readonly instance: SimInstance;
  /** The host that it names, if it names one. */
  readonly host: string | null;
  begin(action: string): SimAction;
}

const accepted: WebAnswer = { status: 202 };

/** What can be ordered, by the key of its body; `abort` is a DELETE. */
const ORDERS: Readonly<Record<string, (order: InstanceOrder) => WebAnswer>> = {
  'os-migrateLive': live,
  migrate: cold,
  confirmResize: confirm,
  revertResize: revert,
  'os-stop': (order) => power(order, 'stopped'),
  'os-start': (order) => power(order, 'active'),
  evacuate,
  abort,
};

/** Answers an order; null if its answer is lost. */
export function orderInstance(call: Call): WebAnswer | null {
  const { cloud, caught, request, user, requestId } = call;
  const [uuid = '', migration] = caught;
  const instance = cloud.instances.get(uuid);
  if (instance === undefined) return errorOf(404, `Instance ${uuid} could not be found.`);
  const [key = '', value] =
    migration === undefined ? (Object.entries((request.body ?? {}) as object)[0] ?? []) : ['abort'];
  const handle = ORDERS[key];
  if (handle === undefined) return errorOf(400, `There is no such action: ${key}`);
  if (!user.admin) return errorOf(403, `Policy doesn't allow os_compute_api:${key} to be performed.`);
  const { answers } = cloud.faultsOf(instance);
  if (answers === 'lost-before') return null;
  const host = (value as { host?: string | null } | null | undefined)?.host ?? null;
  const globalRequestId = request.headers['x-openstack-request-id'] ?? null;
  const begin = (action: string): SimAction => cloud.begin(instance, { action, host, requestId, globalRequestId });
  const given = handle({ ...call, instance, host, begin });
  return answers === 'lost-after' ? null : given;
}

const busy = ({ uuid, taskState }: SimInstance, what: string): WebAnswer =>
  errorOf(409, `Cannot '${what}' instance ${uuid} while it is in task_state ${taskState}`);
const wrongState = ({ uuid, vmState }: SimInstance, what: string): WebAnswer =>
  errorOf(409, `Cannot '${what}' instance ${uuid} while it is in vm_state ${vmState}`);

function live({ instance, cloud, moves, host, begin }: InstanceOrder): WebAnswer {
  if (instance.taskState !== null) return busy(instance, 'os-migrateLive');
  if (!['active', 'paused'].includes(instance.vmState)) return wrongState(instance, 'os-migrateLive');
  if (host !== null && !cloud.hosts.has(host)) return errorOf(400, `Compute host ${host} could not be found.`);
  moves.beginLive(instance, host, begin('live-migration'));
  return accepted;
}

function cold({ instance, cloud, moves, host, begin }: InstanceOrder): WebAnswer {
  if (instance.taskState !== null) return busy(instance, 'migrate');
  if (!['active', 'stopped'].includes(instance.vmState)) return wrongState(instance, 'migrate');
  if (host === instance.host) return errorOf(400, 'Cannot migrate to the host where the server exists.');
  if (host !== null && !cloud.hosts.has(host)) return errorOf(400, `Compute host ${host} could not be found.`);
  if (isDown(instance.host, cloud)) return errorOf(409, 'Service is unavailable at this time.');
  moves.beginCold(instance, host, begin('migrate'));
  return accepted;
}

function isDown(host: string, cloud: InstanceOrder['cloud']): boolean {
  const found = cloud.hosts.get(host);
  return found === undefined || cloud.stateOf(found) === 'down';
}

function confirm({ instance, cloud, moves, begin }: InstanceOrder): WebAnswer {
  const migration = cloud.newestOf(instance);
  if (instance.vmState !== 'resized' || migration === null) return wrongState(instance, 'confirmResize');
  if (migration.status !== 'finished') return errorOf(400, 'Instance has not been resized.');
  if (isDown(migration.source, cloud)) return errorOf(409, 'Service is unavailable at this time.');
  begin('confirmResize');
  moves.confirm(instance, migration);
  return { status: 204 };
}

function revert({ instance, cloud, moves, begin }: InstanceOrder): WebAnswer {
  const migration = cloud.newestOf(instance);
  const isResized = instance.vmState === 'resized' && migration?.status === 'finished';
  if (!isResized || instance.taskState !== null) return wrongState(instance, 'revertResize');
  if (isDown(migration.source, cloud)) return errorOf(409, 'Service is unavailable at this time.');
  begin('revertResize');
  moves.revert(instance, migration);
  return accepted;
}

function power({ instance, moves, begin }: InstanceOrder, to: 'active' | 'stopped'): WebAnswer {
  const what = to === 'active' ? 'start' : 'stop';
  if (instance.taskState !== null) return busy(instance, what);
  if (instance.vmState !== (to === 'active' ? 'stopped' : 'active')) return wrongState(instance, what);
  begin(what);
  moves.power(instance, to);
  return accepted;
}

function evacuate({ instance, cloud, moves, host, begin }: InstanceOrder): WebAnswer {
  if (instance.taskState !== null) return busy(instance, 'evacuate');
  if (!isDown(instance.host, cloud)) return errorOf(400, `Compute service of ${instance.host} is still in use.`);
  moves.evacuate(instance, host, begin('evacuate'));
  return { status: 200, body: {} };
}

const ABORTABLE = ['queued', 'preparing', 'running'];

function abort({ instance, cloud, moves, caught: [, id], begin }: InstanceOrder): WebAnswer {
  const what = 'abort live migration';
  if (instance.taskState !== 'migrating')
    return errorOf(409, `Instance ${instance.uuid} is in an invalid state for '${what}'`);
  const migration = cloud.migrations.find((each) => String(each.id) === id && each.instance === instance.uuid);
  if (migration === undefined) return errorOf(404, `Migration ${id} not found for instance ${instance.uuid}`);
  if (!ABORTABLE.includes(migration.status))
    return errorOf(
      400,
      `Migration ${id} state of instance ${instance.uuid} is ${migration.status}. Cannot ${what} while the migration is in this state.`,
    );
  moves.abort(instance, migration, begin('live_migration_cancel'));
  return accepted;
}
