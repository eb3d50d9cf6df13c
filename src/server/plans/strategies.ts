/** Goals and strategies: why plans are made, and by what. One visible list. */

/** One strategy with its goal, in the words of the field. */
export interface Strategy {
  readonly uuid: string;
  readonly name: string;
  readonly displayName: string;
  readonly goal: { readonly uuid: string; readonly name: string; readonly displayName: string };
}

/** The strategy behind a plan whose actions somebody wrote down. */
export const MANUAL: Strategy = {
  uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a01',
  name: 'manual',
  displayName: 'Actions as given',
  goal: { uuid: '5c2a9e6e-6f6c-4d0b-9f0e-0a6f3f6f7a02', name: 'manual', displayName: 'What the operator says' },
};

/** Every strategy. */
export const STRATEGIES: readonly Strategy[] = [MANUAL];

/** The strategy of a name; an unknown one, from another version, is shown by its name alone. */
export function strategyOf(name: string): Strategy {
  const known = STRATEGIES.find((strategy) => strategy.name === name);
  return known ?? { ...MANUAL, name, displayName: name };
}
