/** The pages of a pretended Redfish service. */
import type { BootStatus } from '../host.ts';
import type { ErrorForm } from './faults.ts';
import type { Page } from './page.ts';
import type { SimRedfish, SimSystem } from './sim_redfish.ts';
import type { Tree } from './trees.ts';

const ROOT = '/redfish/v1';
/** Where sessions are opened. */
export const SESSIONS = `${ROOT}/SessionService/Sessions`;

/** What BootProgress says to each boot status. */
const PROGRESS: Readonly<Partial<Record<BootStatus, string>>> = {
  off: 'None',
  reset: 'PrimaryProcessorInitializationStarted',
  'self-test': 'MemoryInitializationStarted',
  'os-boot': 'OSBootStarted',
};

/** The Tasks that there are: what became of a Reset that was answered with one. */
const TASKS = {
  '1': { TaskState: 'Completed', TaskStatus: 'OK', messages: [] },
  // As AMI has it: the Reset was passed on, and its own check saw no change.
  '2': { TaskState: 'Exception', TaskStatus: 'OK', messages: ['ActionNotSupported'] },
} as const;
export type TaskId = keyof typeof TASKS;

/** The page of a Task. */
export function taskPage(id: TaskId): Page {
  const { messages, ...state } = TASKS[id];
  const Messages = messages.map((messageId) => ({ MessageId: `Base.1.12.${messageId}` }));
  const path = `${ROOT}/TaskService/Tasks/${id}`;
  return { '@odata.id': path, Id: id, Name: 'Computer Reset', PercentComplete: 100, ...state, Messages };
}

/** The page at a path without a slash at its end; null if there is none. */
export function pageAt(path: string, redfish: SimRedfish): Page | null {
  const [, task] = /^\/redfish\/v1\/TaskService\/(?:Tasks|TaskMonitors)\/([12])$/.exec(path) ?? [];
  if (task !== undefined) return taskPage(task as TaskId);
  return redfish.parts.tree === null ? ownPageAt(path, redfish) : treePageAt(path, redfish, redfish.parts.tree);
}

/** A recorded page, as if it were of one of our servers. */
function treePageAt(path: string, redfish: SimRedfish, { pages }: Tree): Page | null {
  const page = pages.get(path);
  if (page === undefined) return null;
  const id = path.split('/').at(-1) ?? '';
  const system = redfish.system(id);
  if (path === `${ROOT}/Systems/${id}` && system !== undefined) {
    const uuid = 'UUID' in page ? { UUID: system.uuid } : {};
    const state = { '@odata.etag': redfish.etag, PowerState: powerStateOf(system, redfish) };
    return { ...page, ...uuid, ...state, ...resetTimeOf(redfish) };
  }
  if (!path.startsWith(`${ROOT}/Chassis/`) || !('PowerState' in page)) return page;
  const owner = redfish.parts.systems.find(({ hasReset }) => hasReset);
  return owner === undefined ? page : { ...page, PowerState: redfish.isChassisOn(owner) ? 'On' : 'Off' };
}

function ownPageAt(path: string, redfish: SimRedfish): Page | null {
  const link = (to: string) => ({ '@odata.id': `${redfish.faults.linksTo ?? ''}${ROOT}/${to}` });
  const own = { '@odata.id': path };
  if (path === ROOT)
    return {
      ...own,
      '@odata.type': '#ServiceRoot.v1_15_0.ServiceRoot',
      Id: 'RootService',
      Name: 'Root Service',
      RedfishVersion: '1.17.0',
      Systems: link('Systems'),
      Chassis: link('Chassis'),
      SessionService: link('SessionService'),
      Links: { Sessions: link('SessionService/Sessions') },
    };
  const { systems } = redfish.parts;
  if (path === `${ROOT}/Systems`) {
    const members = systems.map(({ id }) => link(`Systems/${id}`));
    return { ...own, Name: 'Systems', Members: members, 'Members@odata.count': members.length };
  }
  if (path === `${ROOT}/SessionService`)
    return {
      ...own,
      Id: 'SessionService',
      Name: 'Sessions',
      ServiceEnabled: true,
      Sessions: link('SessionService/Sessions'),
    };
  const [, kind, id = '', rest = ''] = /^\/redfish\/v1\/(Systems|Chassis)\/([^/]+)(?:\/(.+))?$/.exec(path) ?? [];
  const system = redfish.system(id);
  if (system === undefined) return null;
  if (kind === 'Chassis' && rest === '')
    return { ...own, Id: id, Name: `Chassis ${id}`, PowerState: redfish.isChassisOn(system) ? 'On' : 'Off' };
  if (kind === 'Systems' && rest === '') return systemPage(system, redfish, link);
  if (kind === 'Systems' && rest === 'ResetActionInfo' && redfish.faults.listing === 'action-info')
    return {
      ...own,
      Parameters: [{ Name: 'ResetType', AllowableValues: redfish.faults.resetTypes, DataType: 'String' }],
    };
  return null;
}

function systemPage(system: SimSystem, redfish: SimRedfish, link: (to: string) => Page): Page {
  const { id, host, uuid, hasReset } = system;
  const { linksTo } = redfish.faults;
  const target = `${linksTo ?? ''}${ROOT}/Systems/${id}/Actions/ComputerSystem.Reset`;
  return {
    ...link(`Systems/${id}`),
    '@odata.type': '#ComputerSystem.v1_20_0.ComputerSystem',
    '@odata.etag': redfish.etag,
    Id: id,
    Name: `System ${id}`,
    SerialNumber: `SIM${id}`,
    UUID: uuid,
    Boot: { BootSourceOverrideEnabled: 'Disabled', BootSourceOverrideTarget: 'None' },
    PowerState: powerStateOf(system, redfish),
    BootProgress: { LastState: bootProgressOf(host.boot, redfish) },
    ...resetTimeOf(redfish),
    Links: { Chassis: [link(`Chassis/${id}`)] },
    ...(hasReset && { Actions: { '#ComputerSystem.Reset': { target, ...listingOf(id, redfish) } } }),
  };
}

function bootProgressOf(boot: BootStatus, { faults }: SimRedfish): string {
  return faults.bootProgressStuck ? 'SystemHardwareInitializationComplete' : (PROGRESS[boot] ?? 'OSRunning');
}

/** LastResetTime, which moves with each Reset that comes in, also with one that only asks the operating system. */
function resetTimeOf({ faults, lastResetAt }: SimRedfish): Page {
  const times = { zero: '0000-00-00T00:00:00+00:00', '1970': '1970-01-01T00:00:00Z', 'at-request': lastResetAt };
  return faults.lastResetTime === null ? {} : { LastResetTime: times[faults.lastResetTime] };
}

function powerStateOf(system: SimSystem, redfish: SimRedfish): string | null {
  const { faults } = redfish;
  const { host } = system;
  if (faults.powerState !== undefined) return faults.powerState;
  const passing = redfish.passingOf(system);
  if (passing === 'PoweringOn' || (passing !== null && faults.showsTransitions)) return passing;
  if (faults.showsTransitions && host.boot === 'os-shutdown') return 'PoweringOff';
  return host.power === 'power on' ? 'On' : 'Off';
}

function listingOf(id: string, { faults: { listing, resetTypes } }: SimRedfish): Page {
  if (listing === 'inline') return { 'ResetType@Redfish.AllowableValues': resetTypes };
  return listing === 'action-info' ? { '@Redfish.ActionInfo': `${ROOT}/Systems/${id}/ResetActionInfo` } : {};
}

/** An error body with one message. */
export function errorPage(messageId: string, message: string, args: readonly string[] = []): Page {
  const info = { MessageId: `Base.1.12.${messageId}`, Message: message, MessageArgs: args };
  return { error: { code: 'Base.1.12.GeneralError', message, '@Message.ExtendedInfo': [info] } };
}

/** An error body as one vendor or another writes it. Another page stays as it is. */
export function formed(page: Page, form: ErrorForm): Page {
  const error = page.error as { readonly '@Message.ExtendedInfo'?: readonly Page[] } | undefined;
  const [info] = error?.['@Message.ExtendedInfo'] ?? [];
  if (info === undefined || form === 'list') return page;
  if (form === 'ilo4')
    return { Messages: [{ MessageID: info.MessageId, Message: info.Message }], Type: 'ExtendedError.1.0.0' };
  const one = form === 'args-text' ? [{ ...info, MessageArgs: '[]' }] : info;
  return { error: { ...error, '@Message.ExtendedInfo': one } };
}
