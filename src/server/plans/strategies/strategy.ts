/**
 * What a strategy is: a way to a goal, as a pure function from the nodes of a scope to the actions of a plan. `dummy.ts`
 * is the example to read; ../strategies.ts is the list.
 */
import * as z from 'zod';
import type { Clouds } from '../../../compute/compute.ts';
import { failAt } from '../../../core/errors.ts';
import { fieldOf, PLAIN_WORDS, pathText, quotedKeys } from '../../../core/fault_places.ts';
import type { WantedAction } from '../wanted.ts';
import type { Looked, SeenNode } from './seen.ts';

/** What a plan towards a goal is measured by. */
interface Indicator {
  readonly name: string;
  readonly description: string;
  /** Null where it is a plain number. */
  readonly unit: string | null;
}

/** What a client wants of the fleet. */
interface Goal {
  readonly uuid: string;
  readonly name: string;
  readonly displayName: string;
  readonly indicators: readonly Indicator[];
}

/** What a strategy proposes. Without actions there is nothing to do. */
export interface Proposal {
  readonly actions: readonly WantedAction[];
  /** Values of the goal's indicators. */
  readonly efficacy: Readonly<Record<string, number>>;
}

/** One strategy. */
export interface Strategy<Parameters = unknown> {
  readonly uuid: string;
  readonly name: string;
  readonly displayName: string;
  /** What it does, for people. */
  readonly meaning: string;
  readonly goal: Goal;
  /**
   * It changes or switches the nodes of the scope: a scope of every node has to be said. One that does not is given no nodes
   * where the scope is empty.
   */
  readonly actsOnScope: boolean;
  /** parameters: their names, rules and descriptions. */
  readonly schema: z.ZodType<Parameters>;
  /**
   * Looks at what its proposal needs and the conductor does not know; absent if that is nothing. Nothing is changed.
   * @throws any error that lets the audit make no plan
   */
  look?(nodes: readonly SeenNode[], parameters: Parameters, clouds: Clouds, signal: AbortSignal): Promise<Looked>;
  /** Its proposal for the nodes of a scope, which come in the order of their names. It reads no clock and no chance. */
  propose(nodes: readonly SeenNode[], parameters: Parameters, looked: Looked): Proposal;
}

/** Lets the parameters of `propose` have the type of the schema. */
export function defineStrategy<Parameters>(strategy: Strategy<Parameters>): Strategy<Parameters> {
  return strategy;
}

/** An action of a proposal. */
export function propose(
  name: string,
  actionType: string,
  inputParameters: WantedAction['inputParameters'],
  parents: readonly string[] = [],
): WantedAction {
  return { name, actionType, inputParameters, parents, timeoutMs: null };
}

/** A node within the name of an action, which has room for 255 characters. */
export function shortName({ name, uuid }: SeenNode): string {
  return name.length > 200 ? uuid : name;
}

/** The parameters by which strategies order soft power offs. */
export const softOffParameters = {
  timeout: z
    .int()
    .min(1)
    .max(86_400)
    .optional()
    .describe('Seconds that each power off may take from the moment of sending; absent: `soft_power_off_timeout`.'),
  on_timeout: z.enum(['FAIL', 'FORCE']).default('FAIL').describe('What happens then: FORCE powers off hard.'),
};

/** A soft power off of a node, as an action. */
export function softOff(
  node: SeenNode,
  { timeout, on_timeout }: { readonly timeout?: number | undefined; readonly on_timeout: string },
  parents: readonly string[] = [],
): WantedAction {
  const given = { resource_id: node.name, state: 'soft power off', on_timeout };
  const parameters = timeout === undefined ? given : { ...given, timeout };
  return propose(`power off ${shortName(node)}`, 'change_node_power_state', parameters, parents);
}

/**
 * The parameters of an audit for this strategy.
 * @throws AUDIT_INVALID with the path to the fault
 */
export function parseStrategyParameters<Parameters>(strategy: Strategy<Parameters>, input: unknown): Parameters {
  const parsed = strategy.schema.safeParse(input, PLAIN_WORDS);
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.slice(0, 5).map(describeIssue);
  const names = Object.keys(parametersSpec(strategy).properties ?? {}).join(', ');
  throw failAt(
    'AUDIT_INVALID',
    fieldOf(parsed.error.issues[0], 'parameters'),
    `${sentences.join('; ')}. What strategy ${strategy.name} takes: ${names || 'nothing'}`,
  );
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const place = pathText(['parameters', ...issue.path]);
  return issue.code === 'unrecognized_keys'
    ? `${place}: there is no parameter ${quotedKeys(issue.keys)}`
    : `${place}: ${issue.message}`;
}

/** The JSON Schema of a strategy's parameters, as a client writes them. */
export function parametersSpec(strategy: Strategy): z.core.JSONSchema.BaseSchema {
  const known = SPECS.get(strategy);
  if (known) return known;
  const spec = z.toJSONSchema(strategy.schema, { io: 'input' });
  SPECS.set(strategy, spec);
  return spec;
}

/** Each notification about a plan carries one. */
const SPECS = new WeakMap<Strategy, z.core.JSONSchema.BaseSchema>();
