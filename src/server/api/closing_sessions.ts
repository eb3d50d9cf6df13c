/** Sessions that are being closed and still carry calls: the gRPC library takes them for dead as soon as it pings. */
import type { Http2Session } from 'node:http2';

type Answered = (error: Error | null, durationMs: number, payload: Buffer) => void;

const NO_PAYLOAD = Buffer.alloc(8);

/**
 * Answers the pings of the gRPC library in place of a client, once `session` is being closed. Node sends no ping then and says that
 * it failed; the library destroys the session for that, within ten seconds, and the calls that have the drain timeout to end are INTERNAL to their
 * clients.
 */
export function answerPingsWhileClosing(session: Http2Session): void {
  const ping = session.ping.bind(session) as (answered: Answered) => boolean;
  const answer = (answered: Answered): boolean => {
    if (!session.closed || session.destroyed) return ping(answered);
    process.nextTick(answered, null, 0, NO_PAYLOAD);
    return true;
  };
  session.ping = answer as Http2Session['ping'];
}
