/** Which events a caller may see: those of nodes that it may follow, as they were then, and of plans and audits that it may. */
import type { EventRow } from '../store/rows.ts';
import type { View } from './view.ts';

type Data = Readonly<Record<string, unknown>>;

/** True for an event that the caller may see. */
export async function seesEvent({ eventType, payload }: EventRow, view: View): Promise<boolean> {
  if (view.rights.everywhere('event.read')) return true;
  const node = payload['ironic_object.data'] as Data | undefined;
  if (node !== undefined) return seesNode(node, view);
  const data = payload['watcher_object.data'] as Data | undefined;
  if (data === undefined) return false;
  const uuid = String(data.uuid);
  if (eventType.startsWith('action_plan.')) return view.followsPlan(uuid);
  if (eventType.startsWith('action.')) return view.followsPlan(planOf(data));
  if (eventType.startsWith('audit.')) return view.followsAudit(uuid);
  return false;
}

function seesNode({ uuid, name, extra, properties }: Data, view: View): boolean {
  const { zone } = properties as { readonly zone?: unknown };
  const labels = (extra ?? {}) as Readonly<Record<string, string>>;
  return view.rights.on('event.read', { uuid: String(uuid), name: String(name), zone: String(zone), labels });
}

function planOf({ action_plan: plan }: Data): string {
  const { 'watcher_object.data': data } = (plan ?? {}) as { readonly 'watcher_object.data'?: Data };
  return String(data?.uuid);
}
