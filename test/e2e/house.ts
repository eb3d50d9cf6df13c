import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { RESERVE_BYTES } from '../../src/server/store/sqlite/reserve.ts';
import { ownAddress } from '../../src/sim/loopback.ts';
import { newFolder } from '../counterparts/folder.ts';
import { type Client, connect } from './client.ts';
import {
  type ConductorProcess,
  type Daemon,
  type Settings,
  startAgent,
  startAgentHere,
  startConductor,
  startConductorHere,
  type Variables,
} from './processes.ts';

/** The processes of a house. Where the agent is embedded, it lives and dies with the conductor. */
export type Part = 'conductor' | 'agent';

/** How a house is built. */
export interface HousePlan {
  /** The agent is a daemon of its own. */
  readonly apart?: boolean;
  /** Conductor and agent run in the process of the test: for what is not about processes. They cannot be killed. */
  readonly here?: boolean;
  readonly settings?: Settings;
  readonly variables?: Variables;
  /** The conductor has an HTTP door. */
  readonly http?: boolean;
  /** Prepares the data folder; answers a command that the conductor runs within. */
  readonly disk?: (data: string) => Promise<readonly string[]>;
}

/**
 * For tests that wait for nothing: no polls that were not asked for, and no rest between two commands to a BMC. The limits
 * are those that no busy machine exceeds; a test that is about one of them sets it.
 */
export const QUICK: Settings = {
  sync_power_state_interval: 0,
  min_command_interval: 0,
  window_read_interval: 0.2,
  start_timeout: 600,
  abort_timeout: 600,
  power_state_change_timeout: 600,
  recall_confirm: 0.1,
  repetition_window: 600,
  cancel_deadline: 600,
  agent_lease: 600,
  leader_lease: 600,
};
const AGENT_KEYS = ['zone', 'log_level', 'min_command_interval', 'secrets_dir', 'agent_name'];

/** A conductor and its agent, with a data folder and a port of their own. Each can be killed and started again. */
export class House {
  readonly data: string;
  readonly #t: ExecutionContext;
  readonly #apart: boolean;
  readonly #startConductor: typeof startConductor;
  readonly #startAgent: typeof startAgent;
  readonly #variables: Variables;
  #settings: Settings;
  #conductor: ConductorProcess | null = null;
  #agent: Daemon | null = null;
  #client: Client | null = null;
  #address = `${ownAddress()}:0`;
  #http: string;
  readonly #within: readonly string[];

  /** Use openHouse. */
  constructor(
    t: ExecutionContext,
    data: string,
    { apart = false, here = false, settings = {}, variables = {}, http = false }: HousePlan,
    within: readonly string[],
  ) {
    this.data = data;
    this.#t = t;
    this.#apart = apart;
    this.#startConductor = here ? startConductorHere : startConductor;
    this.#startAgent = here ? startAgentHere : startAgent;
    this.#settings = { ...QUICK, ...settings };
    this.#variables = variables;
    this.#within = within;
    this.#http = http ? `${ownAddress()}:0` : 'none';
    t.teardown(() => this.#client?.close());
  }

  /** Where the conductor listens, also after it was started again. */
  get address(): string {
    return this.#address;
  }

  /** What URLs of the HTTP door begin with, also after the conductor was started again. */
  get http(): string {
    return `http://${this.#http}`;
  }

  /** A connection to the conductor that runs. */
  get client(): Client {
    return here(this.#client);
  }

  get conductor(): ConductorProcess {
    return here(this.#conductor);
  }

  /** The process that the agent lives in. */
  get agent(): Daemon {
    return here(this.#apart ? this.#agent : this.#conductor);
  }

  /** Changes what the next processes are started with. */
  configure(settings: Settings): void {
    this.#settings = { ...this.#settings, ...settings };
  }

  /** Starts one; resolves when it serves. */
  async start(part: Part): Promise<void> {
    if (part === 'agent') {
      const settings = Object.entries(this.#settings).filter(([key]) => AGENT_KEYS.includes(key));
      this.#agent = await this.#startAgent(this.#t, this.#address, Object.fromEntries(settings), this.#variables);
      return;
    }
    const settings = { ...this.#settings, data: this.data, listen: this.#address, http_listen: this.#http };
    this.#conductor = await this.#startConductor(this.#t, settings, !this.#apart, this.#variables, this.#within);
    this.#address = this.#conductor.address;
    if (this.#conductor.http !== '') this.#http = this.#conductor.http;
    this.#client?.close();
    this.#client = connect(this.#address);
  }

  /** Ends one with SIGKILL; resolves when it is gone. */
  async kill(part: Part): Promise<void> {
    await this[part].kill();
  }

  /** Ends one in order; resolves when it is gone, and throws if it did not end well. */
  async stop(part: Part): Promise<void> {
    this[part].signal('SIGTERM');
    const exitCode = await this[part].ended;
    if (exitCode !== 0) throw new Error(`the ${part} ended with ${exitCode}`);
  }
}

function here<T>(thing: T | null): T {
  if (thing === null) throw new Error('it was not started');
  return thing;
}

/** A reserve that takes no room on the disk: to write 48 MB for each test would take longer than most of them. */
export async function pretendReserve(data: string): Promise<void> {
  const path = join(data, 'reserve');
  await writeFile(path, '');
  await truncate(path, RESERVE_BYTES);
}

/** A house that serves. */
export async function openHouse(t: ExecutionContext, plan: HousePlan = {}): Promise<House> {
  const data = await newFolder(t);
  await pretendReserve(data);
  const house = new House(t, data, plan, (await plan.disk?.(data)) ?? []);
  await house.start('conductor');
  if (plan.apart) await house.start('agent');
  return house;
}
