/** Answers over HTTP whose clients do not read. */
import type { ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.ts';
import type { Services } from '../server/api/services.ts';

/** The part of an answer that says whether it is read. */
type Answer = Pick<ServerResponse, 'writableNeedDrain' | 'socket' | 'on' | 'once' | 'destroy'>;

/** The part of an answer by which its end is seen. */
type Rest = Pick<ServerResponse, 'socket' | 'once' | 'destroy'>;

/** How often it is looked whether a stream is read, as a part of the time that its client has. */
const LOOKS = 5;

/** Cuts off a stream whose client reads nothing of what waits for it. HTTP/1.1 has no place for a reason: the log has it. */
export function endUnread(
  response: Answer,
  rpc: string,
  { services, limitMs }: { readonly services: Pick<Services, 'clock' | 'log' | 'registry'>; readonly limitMs: number },
): void {
  const { clock, log, registry } = services;
  let waitsSince: number | null = null;
  const look = (): void => {
    if (!response.writableNeedDrain) waitsSince = null;
    else waitsSince ??= clock.monotonic();
    timer = clock.after(limitMs / LOOKS, look);
    if (waitsSince === null || clock.monotonic() - waitsSince < limitMs) return;
    const peer = `${response.socket?.remoteAddress}:${response.socket?.remotePort}`;
    log.warn({ rpc, peer, code: 'STREAM_NOT_READ' }, 'a stream was not read, and is ended');
    registry.add('countermand_streams_not_read_total', { rpc });
    response.destroy();
  };
  let timer = clock.after(limitMs / LOOKS, look);
  response.on('drain', () => {
    waitsSince = null;
  });
  response.once('close', () => timer.cancel());
}

/**
 * Closes the connection of a client that does not read the rest of an answer, which is there as a whole, within this time. Whoever reaches
 * the door may ask for some answers, and would keep connections, and what is not read, for as long as it likes.
 */
export function endUnreadRest(response: Rest, clock: Clock, limitMs: number): void {
  // Told when all of it was handed to the connection; `finish` and `close` come when that has taken it, or has gone.
  response.once('prefinish', () => {
    if (response.socket === null || response.socket.writableLength === 0) return;
    const timer = clock.after(limitMs, () => response.destroy());
    for (const event of ['finish', 'close']) response.once(event, () => timer.cancel());
  });
}
