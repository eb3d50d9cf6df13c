/** What serves requests, loaded when the first one comes. */
import type { RequestListener } from 'node:http';

/**
 * Serves with what `load` resolves with, once for all requests. What serves HTTP takes a tenth of a start, and many conductors are never asked in this way.
 * While it cannot be loaded, as where an upgrade has replaced the files of a process that runs, requests are refused with 503, the log says why, and the next
 * request tries again.
 */
export function onDemand(
  load: () => Promise<RequestListener>,
  log: { error(fields: object, message: string): void },
): RequestListener {
  let loaded: RequestListener | null = null;
  let loading: Promise<RequestListener> | null = null;
  return async (request, response) => {
    try {
      loading ??= load();
      loaded ??= await loading;
    } catch (error) {
      loading = null;
      log.error({ reason: (error as Error).message }, 'what serves HTTP cannot be loaded; restart the conductor');
      response.writeHead(503, { 'Retry-After': '1', 'Cache-Control': 'no-store' }).end();
      return;
    }
    loaded(request, response);
  };
}
