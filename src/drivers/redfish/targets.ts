/** Which ResetType each target is. None is replaced by a harder or a softer one. */
import { isAbort, type OnOff, type OrderTarget, TARGET_TABLE, type Target } from '../../core/power.ts';
import type { Supported } from '../driver.ts';
import type { Allowed } from './systems.ts';

/** What a Reset is told. */
export type ResetType = 'On' | 'ForceOff' | 'ForceRestart' | 'GracefulShutdown' | 'Nmi';

/** The ResetType of each order that is one command. A soft reboot is none: it is a soft power off, then a power on. */
export const RESET_TYPES: Readonly<Partial<Record<OrderTarget, ResetType>>> = {
  'power on': 'On',
  'power off': 'ForceOff',
  rebooting: 'ForceRestart',
  'soft power off': 'GracefulShutdown',
  'inject nmi': 'Nmi',
};

/** What a target needs: a soft reboot needs both of its halves. An abort needs what it aborts. */
const NEEDS: Readonly<Record<OrderTarget, readonly ResetType[]>> = {
  'power on': ['On'],
  'power off': ['ForceOff'],
  rebooting: ['ForceRestart'],
  'soft power off': ['GracefulShutdown'],
  'soft rebooting': ['GracefulShutdown', 'On'],
  'inject nmi': ['Nmi'],
};

/** The targets of the driver. */
export const REDFISH_TARGETS: readonly Target[] = [
  'power on',
  'power off',
  'rebooting',
  'soft rebooting',
  'soft power off',
  'inject nmi',
  'abort soft rebooting',
  'abort soft power off',
];

/** The states in which a ResetType would be void. Some lists leave it out then. */
const VOID_IN: Readonly<Partial<Record<ResetType, OnOff>>> = { On: 'power on', ForceOff: 'power off' };

/** True if a BMC that lists `allowed` may be sent `type`. Without a list all may be tried but an NMI, which few have. */
export function isAllowed(type: ResetType, { resetTypes }: Allowed): boolean {
  return resetTypes === null ? type !== 'Nmi' : resetTypes.includes(type);
}

/** What a node supports. @param now its power state, if it is known */
export function supportedBy(allowed: Allowed, now: OnOff | undefined): Supported {
  const has = (type: ResetType): boolean =>
    isAllowed(type, allowed) || (now !== undefined && VOID_IN[type] === now && allowed.resetTypes !== null);
  const orderOf = (target: Target): OrderTarget =>
    isAbort(target) ? (TARGET_TABLE[target].aborts ?? 'power on') : target;
  const targets = REDFISH_TARGETS.filter((target) => NEEDS[orderOf(target)].every(has));
  const missing = Object.values(RESET_TYPES).filter((type) => !has(type));
  if (allowed.resetTypes === null)
    return {
      targets,
      probed: false,
      reason: 'the BMC does not list the ResetTypes that it takes; without a list no Nmi',
    };
  if (missing.length === 0) return { targets, probed: true };
  const listed = printable(allowed.resetTypes);
  return { targets, probed: true, reason: `no ${missing.join(', no ')}; the BMC lists (${allowed.source}): ${listed}` };
}

/** A list of theirs, for people. */
export function printable(words: readonly string[]): string {
  const shown = words.slice(0, 20).map((word) => word.slice(0, 40).replace(/[\p{Cc}\p{Cf}]+/gu, ' '));
  return shown.join(', ');
}
