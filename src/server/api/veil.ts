/** Errors for callers who may not see what the sentence names. */
import { CountermandError } from '../../core/errors.ts';
import type { View } from './view.ts';

/** An error as the caller may be told of it: without its sentence, if that names what the caller may not see. */
export async function veiled(thrown: unknown, view: View): Promise<unknown> {
  if (view.isWhole || !(thrown instanceof CountermandError)) return thrown;
  const { code, details, row } = thrown;
  if (code === 'REQUEST_ID_TAKEN' || code === 'UUID_TAKEN') return withoutNames(thrown);
  const { blocked_by: plan, same_bmc_node: twin } = details.facts ?? {};
  if (plan !== undefined && !(await exists(view.plan(plan)))) return withoutNames(thrown);
  if (twin !== undefined && !(await exists(view.node(twin)))) return withoutNames(thrown);
  const { resource } = details;
  const isOther = row.status !== 'NOT_FOUND' && code !== 'PERMISSION_DENIED' && resource?.type === 'node';
  return isOther && !(await exists(view.node(resource.name))) ? withoutNames(thrown) : thrown;
}

const exists = (found: Promise<unknown>): Promise<boolean> =>
  found.then(
    () => true,
    () => false,
  );

/** The same error without what it says of things that the caller may not see: its code is left, and what the code means. */
function withoutNames(error: CountermandError): CountermandError {
  return new CountermandError(error.code, `${error.row.meaning}; you may not see what it is about`, { cause: error });
}
