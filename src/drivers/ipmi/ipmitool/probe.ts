/**
 * Asks a BMC whether it is there, before anything else is sent to it: one small question that needs no session and
 * changes nothing. What fails here has certainly sent no order, and is told apart: no address, no route, a closed port,
 * silence. ipmitool says the same for all of them, and takes longer.
 */
import { createSocket, type Socket } from 'node:dgram';
import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { Clock } from '../../../core/clock.ts';
import { type CountermandError, fail } from '../../../core/errors.ts';
import { abortable, openCancellation, untilAborted } from '../../../core/signals.ts';

/** When the question is asked again, counted from the first time: a datagram may be lost. */
const ASKED_AGAIN_AFTER_MS = [500, 1500];
/** How long a BMC may take to answer before it counts as silent. */
export const SILENCE_MS = 3000;
/** How long a name server may take. */
const LOOKUP_LIMIT_MS = 5000;

/**
 * Get Channel Authentication Capabilities, without a session (IPMI 2.0 sections 13.6, 13.8 and 22.13): RMCP header,
 * IPMI 1.5 session header, then the message to the BMC. ipmitool begins with the same question.
 */
const QUESTION = Buffer.from('0600ff07' + '000000000000000000' + '09' + '2018c8' + '8100388e04b5', 'hex');
const SHORTEST_ANSWER = 21;

/** True for an RMCP packet of class IPMI that holds an answer to the question. */
function isAnswer(datagram: Buffer): boolean {
  return datagram.length >= SHORTEST_ANSWER && datagram[0] === 0x06 && datagram[3] === 0x07 && datagram[19] === 0x38;
}

/** Where the BMC is asked for. */
export interface BmcAddress {
  /** An IP address or a host name. */
  readonly host: string;
  readonly port: number;
  /** How messages name it. */
  readonly name: string;
}

/**
 * Resolves with the IP address at which the BMC answers.
 * @throws BMC_NAME_UNKNOWN, BMC_NO_ROUTE, BMC_PORT_CLOSED, BMC_SILENT, BMC_PROTOCOL_VIOLATION (it answers with something
 * else). Rejects at once at an abort, with the reason; no socket is left.
 */
export async function findBmc(bmc: BmcAddress, clock: Clock, signal: AbortSignal): Promise<string> {
  const { address, family } = await lookUp(bmc, clock, signal);
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  try {
    await connect(socket, bmc, address);
    await ask(socket, bmc, clock, signal);
    return address;
  } finally {
    socket.close();
  }
}

async function lookUp(bmc: BmcAddress, clock: Clock, signal: AbortSignal): Promise<LookupAddress> {
  const cancellation = openCancellation([signal], {
    clock,
    afterMs: LOOKUP_LIMIT_MS,
    what: `the lookup of ${bmc.host}`,
  });
  try {
    return await untilAborted(lookup(bmc.host), cancellation.signal);
  } catch (error) {
    signal.throwIfAborted();
    const advice = 'check ipmi_address, or give the IP address itself';
    throw fail(
      'BMC_NAME_UNKNOWN',
      `no address can be found for the BMC ${bmc.host} (${codeOf(error)}); ${advice}`,
      error,
    );
  } finally {
    cancellation.end();
  }
}

/** A connected socket is told by the kernel when the port is closed, and hears no other host. */
function connect(socket: Socket, bmc: BmcAddress, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.connect(bmc.port, address, (error?: Error) => (error ? reject(unreachable(bmc, error)) : resolve()));
  });
}

function ask(socket: Socket, bmc: BmcAddress, clock: Clock, signal: AbortSignal): Promise<void> {
  let heardOther = false;
  const question = (): void => socket.send(QUESTION);
  return abortable<void>((resolve, reject) => {
    const giveUp = (): void => settle(reject, heardOther ? garbled(bmc) : silent(bmc));
    const timers = [...ASKED_AGAIN_AFTER_MS.map((ms) => clock.after(ms, question)), clock.after(SILENCE_MS, giveUp)];
    const stop = (): void => {
      for (const timer of timers) timer.cancel();
    };
    const settle = <T>(how: (value: T) => void, value: T): void => {
      stop();
      how(value);
    };
    socket.on('error', (error) => settle(reject, unreachable(bmc, error)));
    socket.on('message', (datagram) => {
      if (isAnswer(datagram)) settle(resolve, undefined);
      else heardOther = true;
    });
    question();
    return stop;
  }, signal);
}

const silent = (bmc: BmcAddress) =>
  fail('BMC_SILENT', `the BMC ${bmc.name} did not answer within ${SILENCE_MS / 1000} s; nothing was sent to it`);

const garbled = (bmc: BmcAddress) =>
  fail('BMC_PROTOCOL_VIOLATION', `what answers at ${bmc.name} is no BMC; check ipmi_address and ipmi_port`);

function unreachable(bmc: BmcAddress, error: unknown): CountermandError {
  const code = codeOf(error);
  const closed = code === 'ECONNREFUSED';
  const why = closed ? 'its port is closed' : `the system says ${code}`;
  return fail(
    closed ? 'BMC_PORT_CLOSED' : 'BMC_NO_ROUTE',
    `the BMC ${bmc.name} cannot be reached: ${why}; check ipmi_address and ipmi_port`,
    error,
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'no answer';
}
