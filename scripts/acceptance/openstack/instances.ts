/** Instances for the checks, and what Nova says about them. */

import { same } from '../checks.ts';
import type { Server } from '../nova/client.ts';
import type { Nova } from '../nova/nova.ts';

/** How many are made at a time. */
const BATCH = 6;

/** Instances that run on a host, each given out once. */
export class Pool {
  readonly #nova: Nova;
  readonly #host: string;
  readonly #made: string[] = [];
  #free: Server[] = [];
  #batches = 0;

  constructor(nova: Nova, host: string) {
    this.#nova = nova;
    this.#host = host;
  }

  /** One that runs on the host, and that no other check has had. */
  async take(): Promise<Server> {
    if (this.#free.length === 0) {
      this.#batches += 1;
      this.#free = await this.#nova.client.create(BATCH, this.#host, `vm${this.#batches}-`);
      this.#made.push(...this.#free.map(({ id }) => id));
    }
    return this.#free.shift() as Server;
  }

  /** Deletes all of them. */
  async empty(): Promise<void> {
    this.#free = [];
    await this.#nova.client.remove(this.#made.splice(0));
  }
}

/** Where an instance is and what has become of each order to move it, such as `live-migration completed cmp1>cmp2`. */
export async function shown(vm: Server, { client }: Nova): Promise<{ is: string; moves: string[] }> {
  const server = await client.server(vm.id);
  const rows = await client.migrations(vm.id);
  return {
    is: server === null ? 'gone' : `${server.status} ${server.host}${server.task === null ? '' : `, ${server.task}`}`,
    moves: rows.map(({ type, status, from, to }) => `${type} ${status} ${from}>${to ?? ''}`),
  };
}

/** @throws an Error unless Nova shows an instance so */
export async function mustBe(vm: Server, is: string, moves: readonly string[], nova: Nova): Promise<void> {
  same(await shown(vm, nova), { is, moves }, `Nova about ${vm.name}`);
}
