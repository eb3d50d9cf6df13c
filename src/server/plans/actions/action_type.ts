/**
 * What an action type is: one thing that a step of a plan can do. `sleep.ts` is the example to read; `list.ts` is the list.
 *
 * Whatever a type does must bear being begun again after a crash: `execute` finds what an earlier execution of the same
 * action left, by the action's uuid, and goes on from there.
 */
import * as z from 'zod';
import { type CountermandError, fail, failAt } from '../../../core/errors.ts';
import { fieldOf, PLAIN_WORDS, pathOf, quotedKeys } from '../../../core/fault_places.ts';
import type { OrderTarget } from '../../../core/power.ts';
import type { Limits } from '../../power/limits.ts';
import type { Transaction } from '../../store/database.ts';
import type { ActionPlanRow, ActionRow } from '../../store/plan_rows.ts';
import { isOngoing } from '../../store/plans.ts';
import type { DriverRow, NodeRow, PowerTaskRow } from '../../store/rows.ts';
import type { PlanParts } from '../parts.ts';

/** What an execution works with. */
export interface ActionContext {
  readonly action: ActionRow;
  readonly plan: ActionPlanRow;
  readonly parts: PlanParts;
}

/** What an action is about. The driver is null if no agent has offered it yet. */
interface Subject {
  readonly node: NodeRow | null;
  readonly driver: DriverRow | null;
  /** The limits of orders; null for a plan that the conductor makes itself. */
  readonly limits: Limits | null;
}

/** An action that has run, with what is known of it and of its node now. */
export interface Done {
  readonly action: ActionRow;
  readonly node: NodeRow | null;
  readonly driver: DriverRow | null;
  /** The power task that the action has ordered, if it has. */
  readonly task: PowerTaskRow | null;
}

/** What would undo an action. */
export type Undo =
  /** It changed nothing. */
  | { readonly kind: 'nothing'; readonly why: string }
  /** Nothing can undo it. */
  | { readonly kind: 'irreversible'; readonly why: string }
  /** This action. `drift` says how the node is no longer what the action left it as, or is null. */
  | {
      readonly kind: 'action';
      /** Grows with each change of the same thing of the same node: the last change is undone first. */
      readonly order: number;
      readonly what: string;
      readonly actionType: string;
      readonly inputParameters: Readonly<Record<string, unknown>>;
      readonly drift: string | null;
      /** How the node is not what this action leaves: the drift once an earlier rollback has done it. Missing where that cannot be told. */
      readonly driftOnceUndone?: string | null;
      /** What it changes, where that is not the node itself; the last change of the same thing is undone first. */
      readonly thing?: string;
      /** It brings something back to the compute service of the node, which has to be as it was before. */
      readonly needsService?: boolean;
      /** It brings the compute service of the node back, for all that needs it. */
      readonly isService?: boolean;
      /** It takes nothing down, so it does not wait for instances that come back, and one that cannot come back does not prevent it. */
      readonly bringsUp?: boolean;
      /** The drift is that the node is another server now: whatever was done or undone since does not end it. */
      readonly isOtherServer?: boolean;
    };

/** The outcome of an action, or what it changed: stored with it, shown to people, and read by an undo. `message` is its sentence. */
export type Result = Readonly<Record<string, unknown>>;

/** The outcome of an action. */
export type End =
  /** It was taken back, or nothing of it had happened: CANCELLED. */
  | { readonly kind: 'taken_back'; readonly message: string; readonly result: Result }
  /** It is done, also if it was to be taken back: SUCCEEDED. */
  | { readonly kind: 'done'; readonly message: string; readonly result: Result }
  /** It failed, or could not be taken back: FAILED. */
  | { readonly kind: 'failed'; readonly error: CountermandError; readonly result: Result };

/** A power order, as far as a preview needs it. */
export interface OrderGiven {
  readonly target: OrderTarget;
  /** Null: as the target has it. */
  readonly timeoutMs: number | null;
  /** A soft order becomes a hard one when it times out. */
  readonly forced: boolean;
}

/** One action type. */
export interface ActionType<Parameters = unknown> {
  readonly name: string;
  /** What it does, for people. */
  readonly meaning: string;
  /** What a cancel does to it while it runs, for people. */
  readonly whenCancelled: string;
  /** input_parameters: their names, rules and descriptions. */
  readonly schema: z.ZodType<Parameters>;
  /** The node that it is about, by name or uuid, if it is about one. */
  nodeOf(parameters: Parameters): string | null;
  /** How it stops or interrupts a node that runs: by an order that cannot be taken back once sent (hard), or else; or not. */
  takesDown(parameters: Parameters): 'soft' | 'hard' | null;
  /** The power order that it gives, if it gives one. */
  orders(parameters: Parameters): OrderGiven | null;
  /**
   * Checks at the creation of a plan what the schema cannot: that the node's driver can do the target, for example.
   * @throws any error that refuses the plan
   */
  check(parameters: Parameters, subject: Subject, place: string): void;
  /**
   * Just before the action begins. Resolves with why there is nothing to do (SKIPPED), or null.
   * @throws an error that ends it FAILED
   */
  preCondition(parameters: Parameters, context: ActionContext): Promise<string | null>;
  /**
   * Does it, or goes on with what an earlier execution began. An abort of the signal ends the waiting, not what was
   * begun; then `abort` is called, or the conductor stops.
   * @throws an error that ends it FAILED
   */
  execute(parameters: Parameters, context: ActionContext, signal: AbortSignal): Promise<Result>;
  /**
   * Takes back what `execute` has begun, which has stopped waiting. It may wait for what cannot be taken back; the signal
   * is aborted with ACTION_STILL_RUNNING when that takes too long.
   */
  abort(parameters: Parameters, context: ActionContext, signal: AbortSignal): Promise<End>;
  /** What would undo it, from what was written when it ran. Nothing is read, and nothing is changed. */
  undo(parameters: Parameters, done: Done): Undo;
  /** After a success. @throws an error that ends it FAILED all the same */
  postCondition(parameters: Parameters, context: ActionContext, result: Result): Promise<void>;
}

/**
 * Whatever an action changes, it changes in or after a transaction that asks this, so that nothing is changed for a plan
 * whose cancel is committed.
 * @throws ACTION_PLAN_CANCELLED
 */
export async function refuseIfCancelled({ plan }: ActionContext, { sql }: Transaction): Promise<void> {
  if (!(await isOngoing(plan.uuid, sql))) throw fail('ACTION_PLAN_CANCELLED', `plan '${plan.name}' is being cancelled`);
}

/** What a type has to say; the rest has defaults. */
type ActionTypeParts<Parameters> = Pick<ActionType<Parameters>, 'name' | 'meaning' | 'schema' | 'execute'> &
  Partial<ActionType<Parameters>>;

/** A type from its parts. By default it is about no node, checks nothing, and can be taken back as soon as it stops waiting. */
export function defineActionType<Parameters>(parts: ActionTypeParts<Parameters>): ActionType<Parameters> {
  return {
    whenCancelled: 'it stops at once',
    nodeOf: () => null,
    takesDown: () => null,
    orders: () => null,
    check: () => {},
    preCondition: async () => null,
    abort: async () => ({ kind: 'taken_back', message: '', result: {} }),
    undo: () => ({ kind: 'nothing', why: 'it changes nothing' }),
    postCondition: async () => {},
    ...parts,
  };
}

/**
 * The parameters of an action of this type.
 * @throws ACTION_PLAN_INVALID with the path to the fault
 */
export function parseParameters<Parameters>(type: ActionType<Parameters>, input: unknown, place: string): Parameters {
  const parsed = type.schema.safeParse(input, PLAIN_WORDS);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  const sentences = issues.map((issue) => `${pathOfIssue(issue, place)}: ${ruleOf(issue)}`);
  const names = Object.keys(jsonSchemaOf(type).properties ?? {}).join(', ');
  throw failAt(
    'ACTION_PLAN_INVALID',
    pathOf(fieldOf(issues[0], `${place}.input_parameters`)),
    `${sentences.join('; ')}. What ${type.name} takes: ${names || 'nothing'}`,
    issues.slice(0, 1).map(ruleOf)[0],
  );
}

const pathOfIssue = ({ path }: z.core.$ZodIssue, place: string): string =>
  [`${place}.input_parameters`, ...path.map(String)].join('.');

const ruleOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'unrecognized_keys' ? `there is no parameter ${quotedKeys(issue.keys)}` : issue.message;

/** The JSON Schema of a type's parameters, as a client writes them. */
export function jsonSchemaOf(type: ActionType): z.core.JSONSchema.BaseSchema {
  return z.toJSONSchema(type.schema, { io: 'input' });
}
