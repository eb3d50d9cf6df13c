/** Which events a caller may see: those of nodes that it may follow, as they were then, and of plans and audits that it may. */
import type { EventRow } from '../store/rows.ts';
import type { View } from './view.ts';

type Data = Readonly<Record<string, unknown>>;

/** What one subscription remembers of plans: a plan of many nodes has many events, and is looked up at the first. */
export type SeenPlans = Map<string, boolean>;

/** More plans than this are looked up again. */
const PLANS_REMEMBERED = 1000;

/** True for an event that the caller may see. @param plans of this subscription */
export async function seesEvent({ eventType, payload }: EventRow, view: View, plans: SeenPlans): Promise<boolean> {
  if (view.rights.everywhere('event.read')) return true;
  const node = payload['ironic_object.data'] as Data | undefined;
  if (node !== undefined) return seesNode(node, view);
  const data = payload['watcher_object.data'] as Data | undefined;
  if (data === undefined) return false;
  const uuid = String(data.uuid);
  if (eventType.startsWith('action_plan.')) return seesPlan(uuid, view, plans);
  if (eventType.startsWith('action.')) return seesPlan(planOf(data), view, plans);
  if (eventType.startsWith('audit.')) return view.followsAudit(uuid);
  return false;
}

async function seesPlan(uuid: string, view: View, plans: SeenPlans): Promise<boolean> {
  const known = plans.get(uuid);
  if (known !== undefined) return known;
  const sees = await view.followsPlan(uuid);
  if (plans.size >= PLANS_REMEMBERED) plans.clear();
  plans.set(uuid, sees);
  return sees;
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
