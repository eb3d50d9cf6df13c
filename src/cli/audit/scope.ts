/** What selectors say of an audit: its scope. */
import type { Call } from '../shared/asking.ts';
import { chooses, labelsOf, rangesIn, type SelectorFlags, select } from '../shared/selection.ts';

/** The scope that flags ask for; nothing if they ask for none. */
interface ScopeFlags {
  readonly scope?: readonly { readonly baremetal: readonly object[] }[];
  readonly all?: boolean;
}

/**
 * The scope of the selectors. Names alone, labels alone and one zone alone are a scope as they are, which is resolved at each run;
 * whatever else they choose, alone or together, is the nodes that it means now.
 * @throws as `select`, for what has to be resolved now
 */
export async function scopeOfSelectors(
  words: readonly string[],
  flags: SelectorFlags,
  call: Call,
): Promise<ScopeFlags> {
  const { label, zone, driver, state, failing, all } = flags;
  const given = [words.length > 0 || undefined, label, zone, driver ?? state ?? (failing || undefined)];
  const isAlone = given.filter((one) => one !== undefined).length === 1 && !all;
  if (words.length === 0 && !chooses(flags)) return all ? { scope: [], all: true } : {};
  const own = (criterion: object): ScopeFlags => ({ scope: [{ baremetal: [criterion] }], all: false });
  if (isAlone && words.length > 0) return own({ nodes: rangesIn(words) });
  if (isAlone && label) return own({ labels: labelsOf(flags) });
  if (isAlone && zone !== undefined) return own({ zones: [zone] });
  return own({ nodes: (await select(words, flags, call)).ranges });
}
