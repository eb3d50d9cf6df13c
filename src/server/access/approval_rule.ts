/** One rule of `require_approval`: which plans wait for a second person. All that it names must hold. */
import * as z from 'zod';
import type { ScopedNode } from '../store/rows.ts';

const text = z.string().min(1).max(255);
const texts = z.array(text).min(1).max(1000);

/** A rule as it is written. */
export const approvalRule = z.strictObject({
  roles: texts.optional(),
  zones: texts.optional(),
  labels: z
    .record(text, z.string().max(255))
    .refine((labels) => Object.keys(labels).length > 0, 'name at least one label')
    .optional(),
  nodes_above: z.number().int().min(0).max(1_000_000).optional(),
});

/** A rule. */
export interface ApprovalRule {
  /** Why a plan with these nodes waits if an identity with these roles has started it; null if it need not. @param roles null: unknown */
  why(roles: readonly string[] | null, nodes: readonly ScopedNode[]): string | null;
}

/**
 * Compiles a rule.
 * @param known the roles that there are
 * @param invalid makes the error of a sentence
 */
export function toApprovalRule(
  { roles, zones, labels, nodes_above: above = 0 }: z.infer<typeof approvalRule>,
  place: string,
  known: readonly string[],
  invalid: (sentence: string) => Error,
): ApprovalRule {
  const unknown = roles?.find((role) => !known.includes(role));
  if (unknown !== undefined)
    throw invalid(`${place}.roles: there is no role '${unknown}'; there are ${known.join(', ')}`);
  const wanted = Object.entries(labels ?? {});
  const isMeant = (node: ScopedNode): boolean =>
    (zones === undefined || zones.includes(node.zone)) && wanted.every(([name, value]) => node.labels[name] === value);
  const where = [
    ...(zones === undefined ? [] : [`in zone ${zones.join(' or ')}`]),
    ...(wanted.length === 0 ? [] : [`with ${wanted.map((pair) => pair.join('=')).join(', ')}`]),
  ].join(' ');
  return {
    why(has, nodes) {
      const held = roles?.find((role) => has === null || has.includes(role));
      if (roles !== undefined && held === undefined) return null;
      const count = nodes.filter(isMeant).length;
      // A plan about no such node is none of this rule's.
      if (count <= above) return null;
      const more = above > 0 ? `, more than ${above}` : '';
      const who = held === undefined ? '' : `, started with role ${has === null ? roles?.join(' or ') : held}`;
      return `it is about ${count} ${count === 1 ? 'node' : 'nodes'}${where === '' ? '' : ` ${where}`}${more}${who} (${place})`;
    },
  };
}
