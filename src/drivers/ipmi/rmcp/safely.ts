/** A transport whose failures, of whatever kind, are failures of the one BMC that was spoken to. */
import type { Hearer, Line, Transport } from './transport.ts';

/**
 * The same transport, with everything that it throws told to the hearer as a broken line, later and once. The system may refuse a
 * socket at any call: no route, a link that went down, no file descriptor left.
 */
export function safely(transport: Transport): Transport {
  return {
    resolve: async (host, anew) => transport.resolve(host, anew),
    open: (address, port, hearer) => new SafeLine((own) => transport.open(address, port, own), hearer),
    afterArrivals(action) {
      let ran = false;
      const once = (): void => {
        if (!ran) action();
        ran = true;
      };
      try {
        transport.afterArrivals(once);
      } catch {
        once();
      }
    },
  };
}

class SafeLine implements Line {
  readonly #hearer: Hearer;
  #line: Line | null = null;
  #ended = false;

  constructor(open: (hearer: Hearer) => Line, hearer: Hearer) {
    this.#hearer = hearer;
    this.#try(() => {
      this.#line = open({
        datagram: (bytes) => this.#try(() => !this.#ended && hearer.datagram(bytes)),
        broken: (error) => this.#broken(error),
      });
    });
  }

  send(datagram: Buffer): void {
    if (!this.#ended) this.#try(() => this.#line?.send(datagram));
  }

  close(): void {
    this.#ended = true;
    this.#try(() => this.#line?.close());
  }

  #try(action: () => unknown): void {
    try {
      action();
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      // Later: whoever calls must not hear of it before the call has returned.
      void Promise.resolve().then(() => this.#broken(error));
    }
  }

  #broken(error: NodeJS.ErrnoException): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#hearer.broken(error);
  }
}
