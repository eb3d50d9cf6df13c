/**
 * Scenarios as text: a command, `----`, and all that happened because of it, in virtual time. The commands are a
 * dictionary below, each with an example; docs are this file.
 */
import { asCountermandError, fail } from '../../src/core/errors.ts';
import { findTarget, TARGET_TABLE } from '../../src/core/power.ts';
import { fakeSchema } from '../../src/drivers/fake/hardware.ts';
import { explainNode } from '../../src/server/api/explain.ts';
import { deleteNode } from '../../src/server/nodes/enrolment.ts';
import { isUnreadable } from '../../src/server/nodes/problems.ts';
import type { WantedAction } from '../../src/server/plans/wanted.ts';
import { withdrawOrder } from '../../src/server/power/orders.ts';
import { readNode } from '../../src/server/power/readings.ts';
import { readEvents } from '../../src/server/store/events.ts';
import type { Change } from '../../src/server/store/feed.ts';
import { getNode } from '../../src/server/store/nodes.ts';
import type { NodeRow, PowerTaskRow } from '../../src/server/store/rows.ts';
import type { Received } from '../world/heard.ts';
import { World } from '../world/world.ts';
import { AUDIT_COMMANDS } from './audit_script.ts';
import { MODEL_COMMANDS } from './model_script.ts';
import { actionLine, PLAN_COMMANDS, planLine, watcherLine } from './plan_script.ts';

/** One command of a scenario, and the output that stands below it. */
export interface Block {
  readonly command: string;
  readonly output: string;
}

/** The blocks of a scenario's text. Lines that begin with # belong to the command below them. */
export function parseScenario(text: string): Block[] {
  return text
    .split(/\n\n(?=\S)/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const [command = '', output = ''] = block.trimEnd().split('\n----\n');
      return { command: command.replace(/\n----$/, ''), output };
    });
}

/** The text of blocks. */
export function printScenario(blocks: readonly Block[]): string {
  return blocks.map(({ command, output }) => `${command}\n----\n${output}${output === '' ? '' : '\n'}`).join('\n');
}

/** Runs a scenario's commands in a new world and answers them with what really happened. */
export async function runScenario(blocks: readonly Block[]): Promise<Block[]> {
  const first = lastLine(blocks[0]?.command ?? '');
  const player = await Player.create(first.startsWith('world') ? pairs(first.split(' ').slice(1)) : {});
  try {
    const played: Block[] = [];
    for (const { command } of blocks) played.push({ command, output: await player.play(lastLine(command)) });
    await player.end();
    return played;
  } finally {
    await player.world.close();
  }
}

const lastLine = (command: string): string => command.split('\n').at(-1) as string;

function pairs(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
}

/** `90s`, `2m`, `300ms` in milliseconds. */
function duration(text: string | undefined): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? '');
  if (!match) throw new Error(`'${text}' is no duration such as 90s`);
  return Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as 's'];
}

/** What a power_state_corrected notification says of its node. */
interface Correction {
  readonly name: string;
  readonly from_power?: string | null;
  readonly power_state: string;
  readonly late_change_of?: string | null;
}

type Command = (player: Player, words: readonly string[]) => Promise<void> | void;

/** The commands of scenarios. */
const COMMANDS: Readonly<Record<string, Command>> = {
  ...PLAN_COMMANDS,
  ...MODEL_COMMANDS,
  ...AUDIT_COMMANDS,
  /** `world recalls=no one_command=yes cancel_deadline=15`: how hardware and conductor are. The first command, if at all. */
  world: () => {},
  /** `agent start a1`, `agent kill a1`, `agent stop a1`; `agent cut a1` breaks its stream, `agent freeze a1` lets nothing through. */
  agent: async ({ world }, [what, name = 'a1']) => {
    if (what === 'start') return world.startAgent(name);
    if (what === 'kill') return world.killAgent(name);
    if (what === 'stop') return world.stopAgent(name);
    const link = world.agents.get(name)?.link;
    if (what === 'cut') link?.cut();
    else link?.freeze();
    await world.clock.settle();
  },
  /** `conductor kill`, `conductor start`. */
  conductor: async ({ world }, [what]) => (what === 'kill' ? world.killConductor() : world.startConductor()),
  /** `enrol n1 soft_ms=4000`: the keys are those of the fake driver, without `fake_`. */
  enrol: async ({ world }, [name = '', ...info]) => {
    const keys = Object.entries(pairs(info)).map(([key, value]) => [`fake_${key}`, value]);
    await world.enrol(name, Object.fromEntries(keys));
  },
  /** `forget n1`: deletes the node. */
  forget: async ({ world }, [name = '']) => deleteNode(name, world.conductor),
  /** `set n1 fault=silent`: changes a server while it runs. */
  set: ({ world }, [name = '', ...info]) => {
    const server = world.server(name);
    const keys = Object.entries(pairs(info)).map(([key, value]) => [`fake_${key}`, value]);
    const changed = fakeSchema.partial().parse(Object.fromEntries(keys)) as Record<string, unknown>;
    const named = Object.fromEntries(keys.map(([key]) => [key, changed[key as string]]));
    server.settings = { ...server.settings, ...named };
  },
  /** `press n1 off`: the server is switched by hand. */
  press: ({ world }, [name = '', what]) => {
    // What was under way is void.
    Object.assign(world.server(name), { powerState: `power ${what as 'on' | 'off'}`, pending: null });
  },
  /** `order n1 soft_off timeout=300 on_timeout=force id=abc task=#1`: gives an order, or aborts one. */
  order: async (player, [node = '', word = '', ...more]) => {
    const { timeout, on_timeout: onTimeout, id, task } = pairs(more);
    const target = findTarget(word);
    if (!target) throw fail('ARGUMENT_INVALID', `${word} is no target`);
    const given = await player.world.order(node, target, {
      ...(timeout ? { timeoutMs: Number(timeout) * 1000 } : {}),
      ...(onTimeout === 'force' ? { onTimeout: 'FORCE' as const } : {}),
      ...(id ? { requestId: id } : {}),
      ...(task ? { abortsTaskUuid: player.uuidOf(task) } : {}),
    });
    player.say(`answer: ${player.nameOf(given.uuid)}`);
  },
  /** `withdraw #1`. */
  withdraw: async (player, [task = '']) => {
    await withdrawOrder(player.uuidOf(task), '', player.world.conductor.orders);
  },
  /** `refresh n1`: reads it now. */
  refresh: async ({ world, say }, [name = '']) => {
    const node = await getNode(name, world.database.read);
    const answer = readNode(node, 'operator', world.conductor.readings, world.conductor.shutdown);
    const { reading, reason } = await world.finish(answer);
    say(`read: ${reading?.powerState ?? 'nothing'}${reason === '' ? '' : ` (${reason})`}`);
  },
  /** `why n1`: the explanation. */
  why: async (player, [name = '']) => {
    const { world } = player;
    const { explanation } = await explainNode(await getNode(name, world.database.read), world.conductor);
    for (const sentence of explanation) player.say(sentence);
  },
  /** `turn 90s`: lets time pass. */
  turn: async (player, [ms]) => player.world.clock.turn(duration(ms), () => player.tellEvents()),
  /** `clock forward 1h`, `clock back 1h`: the wall clock is set; no time passes. */
  clock: ({ world }, [way, ms]) => world.clock.jump(way === 'back' ? -duration(ms) : duration(ms)),
  /**
   * `when p1 CANCELLING: conductor kill`, `when p1/a SUCCEEDED: cancel p1`, also of `#1 SENDING` and `n1 maintenance`: gives
   * a command just after the commit that writes this.
   */
  when: (player, words) => {
    const [committed = '', line = ''] = words.join(' ').split(': ');
    player.when(committed, line);
  },
  /** `together cancel p1 & cancel p1`: gives commands at once, as clients of their own would. */
  together: async (player, words) => {
    await Promise.all(
      words
        .join(' ')
        .split(' & ')
        .map((line) => player.command(line)),
    );
  },
};

class Player {
  readonly world: World;
  readonly draft: WantedAction[] = [];
  #lines: string[] = [];
  readonly #tasks: string[] = [];
  readonly #nodes = new Map<string, string>();
  readonly #plans = new Map<string, { readonly name: string; readonly line: string }>();
  /** Commands to be given as soon as something is committed. */
  readonly #waiting: { readonly committed: string; readonly line: string }[] = [];
  readonly #given: Promise<void>[] = [];
  #lastEvent = 0;
  /** Events were committed since they were told the last time. */
  #hasNews = false;

  constructor(world: World) {
    this.world = world;
    world.onChange = (change) => this.#tellChange(change);
    world.onReceived = (received) => this.#tellReceived(received);
  }

  static async create(named: Record<string, string>): Promise<Player> {
    const { recalls, one_command: oneCommand, cancel_deadline: seconds } = named;
    const hardware = { recalls: recalls !== 'no', softRebootInOneCommand: oneCommand === 'yes' };
    const limits = seconds === undefined ? {} : { cancelDeadlineMs: Number(seconds) * 1000 };
    return new Player(await World.create({ ...hardware, limits }));
  }

  say = (line: string): void => {
    this.#lines.push(this.withNames(line));
  };

  /** Does one command; what refuses it is told. */
  async command(line: string): Promise<void> {
    const [word = '', ...words] = line.split(' ');
    const command = COMMANDS[word];
    if (!command) throw new Error(`there is no command '${word}'`);
    try {
      await command(this, words);
    } catch (thrown) {
      const error = asCountermandError(thrown);
      this.say(`${error.code}: ${error.message}`);
    }
  }

  /** Does one command and answers all that was told meanwhile. */
  async play(line: string): Promise<string> {
    this.#lines = [];
    await this.command(line);
    await Promise.all(this.#given.splice(0));
    await this.world.clock.settle();
    await this.tellEvents();
    for (const fault of this.world.faults.splice(0)) this.say(`FAULT: ${fault}`);
    return this.#lines.join('\n');
  }

  async end(): Promise<void> {
    await this.world.end();
    if (this.world.clock.timers > 0) throw new Error(`${this.world.clock.timers} timers are left`);
  }

  /** `#1` for the first task, and so on. */
  nameOf(uuid: string): string {
    const at = this.#tasks.indexOf(uuid);
    return `#${(at < 0 ? this.#tasks.push(uuid) - 1 : at) + 1}`;
  }

  uuidOf(name: string): string {
    return this.#tasks[Number(name.slice(1)) - 1] ?? name;
  }

  /** A sentence with `#1` and `p1` in the place of uuids. */
  withNames(sentence: string): string {
    const withTasks = this.#tasks.reduce((text, uuid) => text.replaceAll(uuid, this.nameOf(uuid)), sentence);
    return [...this.#plans].reduce((text, [uuid, { name }]) => text.replaceAll(uuid, name), withTasks);
  }

  /** The notifications since the last time. */
  async tellEvents(): Promise<void> {
    if (!this.#hasNews) return;
    this.#hasNews = false;
    for (const { sequence, eventType, payload } of await readEvents(
      this.#lastEvent + 1,
      1000,
      this.world.database.read,
    )) {
      this.#lastEvent = sequence;
      const about = this.#correction(payload['ironic_object.data'] as Correction) + watcherLine(payload);
      this.#tell(`event ${sequence} ${eventType}${about}`);
    }
  }

  #correction(correction: Correction | undefined): string {
    if (correction?.from_power === undefined) return '';
    const { name, from_power: from, power_state: to, late_change_of: late } = correction;
    const lateness = late ? ` (late change of ${this.nameOf(late)})` : '';
    return ` ${name}: ${from ?? 'unknown'} -> ${to}${lateness}`;
  }

  #tell(what: string): void {
    this.say(`${(this.world.clock.monotonic() / 1000).toFixed(1).padStart(7)}s ${what}`);
  }

  #tellReceived({ address, target }: Received): void {
    this.#tell(`BMC ${address} <- ${target}`);
  }

  #tellChange(change: Change): void {
    if (change.kind === 'events') this.#hasNews = true;
    if (change.kind === 'task') this.#tellTask(change.task);
    if (change.kind === 'plan') this.#tellPlan(change);
    if (change.kind === 'node') this.#tellNode(change.node);
  }

  #tellTask(task: PowerTaskRow): void {
    this.#tell(this.#taskLine(task));
    this.#giveWhatWaits([`${this.nameOf(task.uuid)} ${task.state}`]);
  }

  #tellNode(node: NodeRow): void {
    const line = nodeLine(node, this.world.clock.now());
    if (this.#nodes.get(node.name) !== line) this.#tell(`${node.name}: ${line}`);
    this.#nodes.set(node.name, line);
    if (node.maintenance) this.#giveWhatWaits([`${node.name} maintenance`]);
  }

  #tellPlan({ plan, actions }: Extract<Change, { kind: 'plan' }>): void {
    for (const action of actions) this.#tell(`${plan.name}/${actionLine(action)}`);
    const line = planLine(plan);
    if (this.#plans.get(plan.uuid)?.line !== line) this.#tell(line);
    this.#plans.set(plan.uuid, { name: plan.name, line });
    this.#giveWhatWaits([
      `${plan.name} ${plan.state}`,
      ...actions.map(({ name, state }) => `${plan.name}/${name} ${state}`),
    ]);
  }

  /** Gives `line` as soon as `committed`, such as `p1/a SUCCEEDED`, is written, before anything else can happen. */
  when(committed: string, line: string): void {
    this.#waiting.push({ committed, line });
  }

  #giveWhatWaits(committed: readonly string[]): void {
    const at = this.#waiting.findIndex((each) => committed.includes(each.committed));
    const [found] = at < 0 ? [] : this.#waiting.splice(at, 1);
    if (!found) return;
    this.#tell(`given at once: ${found.line}`);
    this.#given.push(this.command(found.line));
  }

  #taskLine(task: PowerTaskRow): string {
    const phase = task.phase === 'WHOLE' ? '' : ` ${task.phase}`;
    const outcome = task.abortOutcome === null ? '' : ` ${task.abortOutcome}: ${task.abortReason}`;
    const error =
      task.errorCode === null || task.abortOutcome !== null ? '' : ` ${task.errorCode}: ${task.errorMessage}`;
    const message = outcome === '' && error === '' && task.message !== '' ? ` (${task.message})` : '';
    const word = TARGET_TABLE[task.target].word;
    return `${this.nameOf(task.uuid)} ${word}${phase} ${task.state}${outcome}${error}${message}${problemOf(task)}`;
  }
}

function problemOf({ problem }: Pick<NodeRow, 'problem'>): string {
  if (problem === null) return '';
  return isUnreadable(problem) ? `, not readable: ${problem.code}` : `, ${problem.code}`;
}

function nodeLine(node: NodeRow, now: number): string {
  const target = node.targetPowerState === null ? '' : `, on its way to ${node.targetPowerState}`;
  const window = node.mayChangeUntil !== null && node.mayChangeUntil > now ? ', may still change' : '';
  const maintenance = node.maintenance ? ', in maintenance' : '';
  return `${node.powerState ?? 'unknown'}${target}${window}${maintenance}${problemOf(node)}`;
}
