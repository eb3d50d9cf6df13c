/** What the endurance run counts at the BMCs: an order that is lost or doubled is found, and nothing else. */
import test from 'ava';
import { compare, type Ordered } from '../../bench/postgres/ledger.ts';
import { PowerState, PowerTarget, PowerTaskState } from '../../src/gen/countermand/v1/power.ts';
import type { ChassisCommand } from '../../src/sim/chassis.ts';

const SENT = { beforePowerState: PowerState.ON, sendingAt: new Date(0) };
const SOFT: Ordered = { ...SENT, target: PowerTarget.SOFT_POWER_OFF, state: PowerTaskState.SUCCEEDED };
const RESET: Ordered = { ...SENT, target: PowerTarget.REBOOT, state: PowerTaskState.SUCCEEDED };
const UNKNOWN: Ordered = { ...SOFT, state: PowerTaskState.FAILED };
const WITHDRAWN: Ordered = { ...SOFT, state: PowerTaskState.ABORTED, sendingAt: undefined };
const FROM_OFF: Ordered = { ...RESET, beforePowerState: PowerState.OFF };

const CASES: readonly [what: string, commands: ChassisCommand[], orders: Ordered[], lost: number, doubled: number][] = [
  ['each once', ['soft', 'on', 'reset'], [SOFT, RESET], 0, 0],
  ['an outcome that is unknown: sent', ['soft'], [UNKNOWN], 0, 0],
  ['an outcome that is unknown: not sent', [], [UNKNOWN], 0, 0],
  ['a power on again', ['soft', 'on', 'on'], [SOFT], 0, 0],
  ['a reboot of a node that is off', ['on'], [FROM_OFF], 0, 0],
  ['a success without a command', ['soft'], [SOFT, SOFT], 1, 0],
  ['a command again', ['soft', 'soft', 'reset'], [SOFT, RESET], 0, 1],
  ['the command of an order that was withdrawn', ['soft'], [WITHDRAWN], 0, 1],
  ['a command that was not ordered', ['off'], [SOFT], 1, 1],
];

for (const [what, commands, orders, lost, doubled] of CASES)
  test(`${what}: ${lost} lost, ${doubled} doubled`, (t) => {
    const found = compare('node', commands, orders);
    t.deepEqual([found.lost.length, found.doubled.length], [lost, doubled], JSON.stringify(found));
  });
