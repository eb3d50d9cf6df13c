/** Which ResetType each target is. None is replaced by a harder or a softer one. */
import { type NodeTraits, type OnOff, type OrderTarget, orderOf, TARGET_TABLE } from '../../core/power.ts';
import { ALL_BUT_NMI_ABORT, type Supported } from '../driver.ts';
import type { RedfishInfo } from './info.ts';
import type { Allowed } from './systems.ts';

/** What a Reset is told. */
export type ResetType = 'On' | 'ForceOff' | 'ForceRestart' | 'GracefulShutdown' | 'GracefulRestart' | 'Nmi';

/** What each order is: one ResetType, or for a soft reboot two of them, of which the conductor orders one after the other. */
type Meanings = Readonly<Record<OrderTarget, readonly [ResetType, ...ResetType[]]>>;

const IN_HALVES: Meanings = {
  'power on': ['On'],
  'power off': ['ForceOff'],
  rebooting: ['ForceRestart'],
  'soft rebooting': ['GracefulShutdown', 'On'],
  'soft power off': ['GracefulShutdown'],
  'inject nmi': ['Nmi'],
};
const IN_ONE_COMMAND: Meanings = { ...IN_HALVES, 'soft rebooting': ['GracefulRestart'] };

/** What each order is for a node. A soft reboot is one command only where its driver_info asks for it: some BMCs do not do it softly. */
export function meaningsFor({
  redfish_graceful_restart: isOneCommand,
}: Pick<RedfishInfo, 'redfish_graceful_restart'>): Meanings {
  return isOneCommand ? IN_ONE_COMMAND : IN_HALVES;
}

/** No Redfish BMC takes back what its operating system was asked to do. */
function traitsOf(meanings: Meanings): NodeTraits {
  return { recalls: [], softRebootInOneCommand: meanings['soft rebooting'].length === 1 };
}

/** True if a ResetType would be void in a power state, as it leads there. Some lists leave it out then. */
function isVoid(type: ResetType, now: OnOff): boolean {
  const orders = ['power on', 'power off'] as const;
  return orders.some((order) => IN_HALVES[order].includes(type) && TARGET_TABLE[order].settlesIn === now);
}

/** True if a BMC that lists `allowed` may be sent `type`. Without a list all may be tried but an NMI, which few have. */
export function isAllowed(type: ResetType, { resetTypes }: Allowed): boolean {
  return resetTypes === null ? type !== 'Nmi' : resetTypes.includes(type);
}

/**
 * What a node supports.
 * @param meanings what each order is for this node; an abort needs what it aborts
 * @param now its power state, if it is known
 */
export function supportedBy(meanings: Meanings, allowed: Allowed, now: OnOff | undefined): Supported {
  const { resetTypes, source } = allowed;
  const has = (type: ResetType): boolean =>
    isAllowed(type, allowed) || (now !== undefined && isVoid(type, now) && resetTypes !== null);
  const targets = ALL_BUT_NMI_ABORT.filter((target) => meanings[orderOf(target)].every(has));
  const known = { ...traitsOf(meanings), targets };
  if (resetTypes === null)
    return {
      ...known,
      probed: false,
      reason: 'the BMC does not list the ResetTypes that it takes; without a list no Nmi',
    };
  const missing = [...new Set(Object.values(meanings).flat())].filter((type) => !has(type));
  if (missing.length === 0) return { ...known, probed: true };
  const reason = `no ${missing.join(', no ')}; the BMC lists (${source}): ${printable(resetTypes)}`;
  return { ...known, probed: true, reason };
}

/** What a node supports that has no Reset. */
export function supportsNothing(meanings: Meanings, reason: string): Supported {
  return { ...traitsOf(meanings), targets: [], probed: true, reason };
}

/** A list of theirs, for people. */
export function printable(words: readonly string[]): string {
  const shown = words.slice(0, 20).map((word) => word.slice(0, 40).replace(/[\p{Cc}\p{Cf}]+/gu, ' '));
  return shown.join(', ');
}
