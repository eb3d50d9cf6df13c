/** What every part of the page has: the services, the link, and a way to ask and to tell a person. */
import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useRef, useState } from 'preact/hooks';
import { systemClock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { openCancellation } from '../core/signals.ts';
import type { GetStatusResponse } from '../gen/countermand/v1/conductor.ts';
import { type Client, failureOf } from './calls.ts';
import type { Link, LinkState } from './link.ts';

/** A question before an order. */
export interface Question {
  readonly title: string;
  readonly body: ComponentChildren;
  /** What the button says that goes on. */
  readonly yes: string;
  /** The number that has to be typed in before it goes on; absent: none. */
  readonly typed?: number | undefined;
  /** A person may say why: it is kept with the order. */
  readonly takesReason?: boolean;
}

/** What every part of the page has. */
export interface House {
  readonly conductor: Client;
  readonly link: Link<GetStatusResponse>;
  /** Asks a person. Answers why, which may be empty; null: nothing is done. */
  ask(question: Question): Promise<string | null>;
  /** Tells a person how an order went. */
  tell(sentence: string, isBad?: boolean): void;
}

/** Handed down from the root. */
export const HouseContext = createContext<House | null>(null);

/** What every part of the page has. */
export function useHouse(): House {
  const house = useContext(HouseContext);
  if (house === null) throw new Error('there is no house around this part');
  return house;
}

/** How the link stands; draws anew when that changes. */
export function useLink(): LinkState<GetStatusResponse> {
  const { link } = useHouse();
  const [state, setState] = useState(link.now);
  useEffect(() => link.listen(() => setState(link.now)), [link]);
  return state;
}

/** Draws anew every second, for what tells ages. Answers the time in milliseconds since 1970. */
export function useNow(): number {
  const [now, setNow] = useState(systemClock.now());
  useEffect(() => {
    const timer = systemClock.after(1000, () => setNow(systemClock.now()));
    return () => timer.cancel();
  }, [now]);
  return now;
}

/** How a stream stands. */
interface Stream {
  /** Why the conductor has refused it; empty if it has not. */
  readonly refused: string;
  /** It has ended, as that of a plan does. */
  readonly ended: boolean;
}

/**
 * Follows a stream for as long as the part is shown and the conductor is there: with each new connection from its beginning.
 * @param open opens it
 * @param take is called for each message, and with null before the first one of each connection
 * @param what the stream is another one if this changes
 */
export function useStream<T>(
  open: (signal: AbortSignal) => AsyncIterable<T>,
  take: (message: T | null) => void,
  what: string,
): Stream {
  const { link } = useHouse();
  const { state, connection } = useLink();
  const [stream, setStream] = useState<Stream>({ refused: '', ended: false });
  const isThere = state === 'connected';
  // `open` and `take` are new each time, and mean the same for the same `what`.
  useEffect(() => {
    if (!isThere) return;
    const cancellation = openCancellation([]);
    const { signal } = cancellation;
    setStream({ refused: '', ended: false });
    let hasBegun = false;
    const follow = async (): Promise<void> => {
      take(null);
      for await (const message of open(signal)) {
        if (signal.aborted) return;
        hasBegun = true;
        take(message);
      }
      if (!signal.aborted) setStream({ refused: '', ended: true });
    };
    follow().catch((error) => {
      if (signal.aborted) return;
      const failure = failureOf(error);
      // One that has begun ends when its caller may do something else now: it begins anew, as what may be seen then.
      if (failure.kind === 'refused' && !hasBegun) setStream({ refused: failure.sentence, ended: false });
      else link.lost(failure);
    });
    return () => cancellation.abort(fail('CALL_ENDED', 'the page was left'));
  }, [isThere, connection, what]);
  return stream;
}

/** What was asked for. */
interface Asked<T> {
  readonly answer: T | null;
  /** Why it was refused; empty if it was not. */
  readonly refused: string;
  /** Asks again, at once. */
  readonly again: () => void;
}

/**
 * Asks a question when the part is first shown, with each new connection, when `what` changes, and each time that the link has been
 * answered.
 * @param thing what the question is about: the answer before stays until there is a new one about the same thing
 */
export function useAsked<T>(ask: (signal: AbortSignal) => Promise<T>, what: string, thing = what): Asked<T> {
  const { link } = useHouse();
  const { state, connection, answer: status } = useLink();
  const [asked, setAsked] = useState<{ readonly answer: T | null; readonly refused: string; readonly of: string }>({
    answer: null,
    refused: '',
    of: thing,
  });
  const [times, setTimes] = useState(0);
  const isAsking = useRef(false);
  const isThere = state === 'connected';
  // `ask` is new each time, and means the same for the same `what`.
  useEffect(() => {
    if (!isThere) return;
    const cancellation = openCancellation([]);
    const { signal } = cancellation;
    isAsking.current = true;
    ask(signal)
      .then(
        (answer) => !signal.aborted && setAsked({ answer, refused: '', of: thing }),
        (error) => {
          if (signal.aborted) return;
          const failure = failureOf(error);
          if (failure.kind === 'refused') setAsked({ answer: null, refused: failure.sentence, of: thing });
          else link.lost(failure);
        },
      )
      .finally(() => {
        if (!signal.aborted) isAsking.current = false;
      });
    return () => cancellation.abort(fail('CALL_ENDED', 'the page was left'));
  }, [isThere, connection, what, times]);
  // A slow answer is waited for, not asked for once more.
  useEffect(() => {
    if (!isAsking.current) setTimes((before) => before + 1);
  }, [status]);
  const again = (): void => setTimes((before) => before + 1);
  return asked.of === thing ? { ...asked, again } : { answer: null, refused: '', again };
}

/** Gives an order, and tells what came of it. Answers what was answered; null if it was refused or lost. */
export async function give<T>(house: House, order: () => Promise<T>, done: (answer: T) => string): Promise<T | null> {
  try {
    const answer = await order();
    house.tell(done(answer));
    return answer;
  } catch (error) {
    const { mayBeDone, sentence } = failureOf(error);
    const lost = mayBeDone ? '; whether the order was accepted is not known: look before you give it again' : '';
    house.tell(`${sentence}${lost}`, true);
    return null;
  }
}
