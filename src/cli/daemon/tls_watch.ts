/** TLS files that are looked at again while a daemon runs: a new certificate is used without a restart. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { sleep } from '../../core/signals.ts';
import type { TlsMaterial, TlsSource } from '../../core/tls.ts';

/** How often the files are read. They are small, and a look costs less than being told by the system, which forgets links. */
export const LOOK_AGAIN_MS = 5000;

/** Where it is told what became of new files. */
interface WatchLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** What watching needs. */
interface WatchParts {
  readonly clock: Clock;
  readonly log: WatchLog;
}

/**
 * The material that `read` answers, which is asked again every five seconds until `signal` is aborted. While it throws, the
 * last good material stays in use, and the log says why, once for each reason: a certificate and its key are seldom
 * replaced in the same moment. The same holds while a listener throws.
 * @throws what the first `read` throws
 */
export function watchTls(read: () => TlsMaterial, { clock, log }: WatchParts, signal: AbortSignal): TlsSource {
  let current = read();
  let taken: TlsMaterial | null = current;
  let lastReason = '';
  const listeners: ((material: TlsMaterial) => void)[] = [];
  const look = (): void => {
    try {
      const next = read();
      if (!isDeepStrictEqual(next, taken)) {
        // While a listener throws, each is told again at the next look, with what the files have at that time.
        taken = null;
        for (const listener of listeners) listener(next);
        taken = next;
        current = next;
        log.info({}, 'new TLS files are in use; open connections stay as they are');
      }
      lastReason = '';
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== lastReason)
        log.warn({ reason }, 'the new TLS files cannot be used; those read before stay in use');
      lastReason = reason;
    }
  };
  const lookOn = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(LOOK_AGAIN_MS, clock, signal).catch(() => {});
      if (!signal.aborted) look();
    }
  };
  void lookOn();
  return { current: () => current, onChange: (listener) => void listeners.push(listener) };
}
