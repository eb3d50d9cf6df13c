/** What an entry of the trail says: what was asked, what it was about, and what it was before and after. Secrets are in none of it. */
import { cutText } from '../../core/texts.ts';
import { nodeChanges } from '../nodes/notifications.ts';
import { isSecretKey, maskSecrets } from '../nodes/secrets.ts';
import type { Touched } from '../store/also.ts';
import type { Transaction } from '../store/database.ts';
import { findSecretKeys } from '../store/drivers.ts';
import type { NodeRow } from '../store/rows.ts';

/** Longer texts are cut, and larger requests are left out: the trail is kept for years. */
const TEXT_LIMIT = 1000;
const REQUEST_LIMIT = 4000;

/** Keys of driver_info and of settings are told, values are not: what they were and are stands in `before` and `after`, with secrets masked. */
const KEYS_ONLY = ['driverInfo', 'setDriverInfo', 'settings'];
/** How many there are is told. What they are stands in the plan. */
const COUNTED = ['actions', 'payload', 'parameters'];

/** What is told of a request. */
interface Summary {
  /** The node that it names, if it names one. */
  readonly node: string | null;
  readonly parts: { readonly reason?: string; readonly request: object };
}

/** What was asked, without what is empty. */
export function summaryOf(request: object): Summary {
  const { reason } = request as { readonly reason?: string };
  const whole: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(request)) {
    if (key === 'reason') continue;
    const told = KEYS_ONLY.includes(key) ? Object.keys(value ?? {}) : COUNTED.includes(key) ? countOf(value) : value;
    if (!isEmpty(told)) whole[key] = typeof told === 'bigint' ? String(told) : told;
  }
  const { node, name } = whole;
  const told = toldOfRequest(whole);
  const named = typeof node === 'string' ? node : 'driver' in whole && typeof name === 'string' ? name : null;
  return {
    node: named,
    parts: { ...(reason ? { reason: cutText(reason, TEXT_LIMIT) } : {}), request: told },
  };
}

function toldOfRequest(whole: Readonly<Record<string, unknown>>): object {
  const text = JSON.stringify(whole);
  // Then no text in it is longer either.
  if (text.length <= TEXT_LIMIT) return whole;
  const cut = JSON.stringify(whole, (_, value) => (typeof value === 'string' ? cutText(value, TEXT_LIMIT) : value));
  return cut.length > REQUEST_LIMIT ? { left_out: cut.length } : JSON.parse(cut);
}

const countOf = (value: unknown): number =>
  Array.isArray(value) ? value.length : Object.keys((value ?? {}) as object).length;

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false || value === 0n)
    return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** What was changed. */
export function aboutOf({ before, after, task, plan, audit, template, token, sink, logLevel }: Touched): {
  readonly node?: string;
} {
  const node = after ?? before;
  return {
    ...(node && { node: node.name, node_uuid: node.uuid }),
    ...(task && { node: task.nodeName, node_uuid: task.nodeUuid, task: task.uuid }),
    ...(plan && { plan: plan.uuid, plan_name: plan.name, plan_state: plan.state }),
    ...(audit && { audit: audit.uuid, audit_name: audit.name, audit_state: audit.state }),
    ...(template !== undefined && { audit_template: template }),
    ...(token !== undefined && { token }),
    ...(sink !== undefined && { sink }),
    ...(logLevel !== undefined && { log_level_before: logLevel }),
  };
}

/** What a node was and is, as far as they differ. */
export async function changesOf({ before, after }: Touched, sql: Transaction['sql']): Promise<object> {
  const node = after ?? before;
  if (node === undefined) return {};
  const secrets = await findSecretKeys(node.driver, sql);
  if (before === undefined || after === undefined)
    return { ...(before && { before: toldOf(before, secrets) }), ...(after && { after: toldOf(after, secrets) }) };
  const parts = nodeChanges(before, after).flatMap(([, words]) => words);
  const [was, is] = [toldOf(before, secrets), toldOf(after, secrets)];
  const part = (told: Readonly<Record<string, unknown>>) => Object.fromEntries(parts.map((key) => [key, told[key]]));
  const newSecrets = Object.keys(after.driverInfo).filter(
    (key) => isSecretKey(key, secrets) && before.driverInfo[key] !== after.driverInfo[key],
  );
  return { before: part(was), after: part(is), ...(newSecrets.length > 0 && { new_secrets: newSecrets }) };
}

function toldOf(node: NodeRow, secrets: ReadonlySet<string>): Record<string, unknown> {
  const { name, driver, zone, labels, maintenance, maintenanceReason, driverInfo } = node;
  const info = maskSecrets(driverInfo, secrets);
  return { name, driver, zone, labels, maintenance, maintenance_reason: maintenanceReason, driver_info: info };
}
