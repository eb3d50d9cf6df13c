/** Goals and strategies: why plans are made, and by what. To add one, write it in a file of its own and add it here. */
import { failAt } from '../../core/errors.ts';
import type { Efficacy } from '../store/plan_rows.ts';
import { dummy } from './strategies/dummy.ts';
import { evacuate } from './strategies/evacuate.ts';
import { hostMaintenance } from './strategies/host_maintenance.ts';
import { manual } from './strategies/manual.ts';
import { savingEnergy } from './strategies/saving_energy.ts';
import type { Proposal, Strategy } from './strategies/strategy.ts';

/** The strategy behind a plan whose actions a client wrote down. */
export const MANUAL = manual as Strategy;

/** Every strategy. */
export const STRATEGIES = [manual, dummy, hostMaintenance, savingEnergy, evacuate] as readonly Strategy[];

/** The strategy of a name; an unknown one, from another version, is shown by its name alone. */
export function strategyOf(name: string): Strategy {
  const known = STRATEGIES.find((strategy) => strategy.name === name);
  return known ?? { ...MANUAL, name, displayName: name };
}

/**
 * The strategy that an audit names, or the only one for its goal.
 * @throws AUDIT_INVALID if there is none, or several, or the two do not go together
 */
export function chooseStrategy(strategy: string, goal: string): Strategy {
  const names = (found: readonly Strategy[]): string => found.map(({ name }) => name).join(', ');
  if (strategy === '' && goal === '')
    throw failAt('AUDIT_INVALID', 'strategy', `strategy: none is named, and no goal; there are ${names(STRATEGIES)}`);
  const forGoal = goal === '' ? STRATEGIES : STRATEGIES.filter((each) => each.goal.name === goal);
  if (forGoal.length === 0) {
    const goals = [...new Set(STRATEGIES.map((each) => each.goal.name))].join(', ');
    throw failAt('AUDIT_INVALID', 'goal', `goal: there is no goal '${goal}'; there are ${goals}`);
  }
  const chosen = strategy === '' ? forGoal : forGoal.filter(({ name }) => name === strategy);
  if (chosen.length === 1) return chosen[0] as Strategy;
  if (chosen.length > 1)
    throw failAt('AUDIT_INVALID', 'strategy', `strategy: goal '${goal}' has several, name one: ${names(chosen)}`);
  const where = goal === '' ? '' : ` for goal '${goal}'`;
  throw failAt(
    'AUDIT_INVALID',
    'strategy',
    `strategy: there is no strategy '${strategy}'${where}; there are ${names(forGoal)}`,
  );
}

/** What a proposal is good for, in the words of its goal. */
export function globalEfficacy({ goal }: Strategy, { efficacy }: Proposal): Efficacy[] {
  return goal.indicators.map(({ name, description, unit }) => ({
    name,
    description,
    unit,
    value: efficacy[name] ?? 0,
  }));
}
