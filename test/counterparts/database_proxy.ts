/** A proxy between one process and its PostgreSQL: what cuts it off is the network, or its own death. */
import { connect, createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { ownAddress } from '../../src/sim/loopback.ts';

/** A proxy for one test. */
export interface DatabaseProxy {
  readonly host: string;
  readonly port: number;
  /** Cuts every connection, and lets none through until `restore`. */
  cut(): void;
  restore(): void;
  /**
   * Cuts the connection on which the next statement like this is asked, before the server has it (`asked`), or when the server has
   * answered and the answer is on its way (`answered`), and lets none through until `restore`. Resolves when that has happened.
   */
  cutAt(statement: RegExp, moment: 'asked' | 'answered'): Promise<void>;
  /**
   * As `cutAt`, but the connection stays and nothing comes through it any more, not even its end: each side is to the other as a
   * host that has vanished. Other connections go on.
   */
  freezeAt(statement: RegExp, moment: 'asked' | 'answered'): Promise<void>;
  /** From now on, what the server says of a transaction that has failed arrives some turns after the error itself. */
  delayStatus(): void;
}

/** ReadyForQuery in a failed transaction: the message that follows an error. PostgreSQL, "Message Formats". */
const FAILED_STATUS = Buffer.from('Z\0\0\0\u0005E', 'latin1');
/** Enough for a process that has read the error to do what it does about it. */
const LATER_TURNS = 20;

async function later(): Promise<void> {
  for (let turn = 0; turn < LATER_TURNS; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Passes on what the server says, and what it says of a failed transaction some turns later than what it has said before. */
function lateStatusTo(client: Socket): (bytes: Buffer) => void {
  let before = Promise.resolve();
  const passOn = async (bytes: Buffer): Promise<void> => {
    const at = bytes.indexOf(FAILED_STATUS);
    client.write(at < 0 ? bytes : bytes.subarray(0, at));
    if (at < 0) return;
    await later();
    const end = at + FAILED_STATUS.length;
    client.write(bytes.subarray(at, end));
    await passOn(bytes.subarray(end));
  };
  return (bytes) => {
    before = before.then(() => passOn(bytes));
  };
}

interface Trap {
  readonly statement: RegExp;
  readonly moment: 'asked' | 'answered';
  readonly spring: (client: Socket) => void;
  readonly sprung: () => void;
  socket: Socket | null;
}

/** Starts a proxy in front of a server. */
export async function newDatabaseProxy(
  t: ExecutionContext,
  server: { readonly host: string; readonly port: number },
): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let open = true;
  let trap: Trap | null = null;
  const cut = (): void => {
    open = false;
    for (const socket of sockets) socket.destroy();
  };
  let delaysStatus = false;
  const frozen = new WeakSet<Socket>();
  const spring = (client: Socket, sprung: Trap): void => {
    trap = null;
    sprung.spring(client);
    sprung.sprung();
  };
  const setTrap = (statement: RegExp, moment: Trap['moment'], how: Trap['spring']) =>
    new Promise<void>((sprung) => {
      trap = { statement, moment, spring: how, sprung, socket: null };
    });
  const proxy = createServer((client) => {
    if (!open) return void client.resetAndDestroy();
    const database = connect(server.port, server.host);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    client.on('close', () => frozen.has(client) || database.destroy());
    database.on('close', () => client.destroy());
    client.on('data', (bytes) => {
      if (frozen.has(client)) return;
      if (trap?.socket === null && trap.statement.test(bytes.toString('latin1'))) {
        if (trap.moment === 'asked') return spring(client, trap);
        trap.socket = client;
      }
      database.write(bytes);
    });
    const passLate = lateStatusTo(client);
    database.on('data', (bytes) => {
      if (trap?.socket === client) spring(client, trap);
      if (frozen.has(client)) return;
      if (delaysStatus) passLate(bytes);
      else client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, ownAddress(), resolve));
  t.teardown(() => {
    cut();
    proxy.close();
  });
  return {
    host: ownAddress(),
    port: (proxy.address() as { port: number }).port,
    cut,
    restore: () => {
      open = true;
    },
    delayStatus: () => {
      delaysStatus = true;
    },
    cutAt: (statement, moment) => setTrap(statement, moment, cut),
    freezeAt: (statement, moment) => setTrap(statement, moment, (client) => frozen.add(client)),
  };
}
