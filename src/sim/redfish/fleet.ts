/** Many pretended Redfish services in one process, each with a port of its own. */
import type { ServerTls, WebServer } from '../web.ts';
import type { SimRedfish } from './sim_redfish.ts';
import { listenToRedfish } from './web_server.ts';

/** Where services listen, and how. */
interface RedfishListening {
  readonly address: string;
  /** The port of the first; the others have those after it. 0 is any that is free. */
  readonly firstPort: number;
  /** null for http. */
  readonly tls: ServerTls | null;
}

/** A service that listens. */
export interface ListeningRedfish {
  readonly redfish: SimRedfish;
  readonly address: string;
  readonly port: number;
  /** How many connections were opened so far. */
  connections(): number;
}

/** Services that listen. */
export interface RedfishFleet {
  readonly services: readonly ListeningRedfish[];
  /** Ends all of them, with their connections. */
  stop(): Promise<void>;
}

/** At most this many are started at a time. */
const AT_ONCE = 100;

/**
 * Lets services listen.
 * @throws LISTEN_FAILED if a port is in use, or the address is not one of this system; then none is left
 */
export async function listenAllRedfish(
  all: readonly SimRedfish[],
  { address, firstPort, tls }: RedfishListening,
): Promise<RedfishFleet> {
  const running: (ListeningRedfish & { readonly web: WebServer })[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map(({ web }) => web.close()));
  };
  const start = async (redfish: SimRedfish, index: number) => {
    const web = await listenToRedfish(redfish, { address, port: firstPort === 0 ? 0 : firstPort + index }, tls);
    return { redfish, address, port: web.port, connections: () => web.connections(), web };
  };
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const part = all.slice(at, at + AT_ONCE).map((redfish, index) => start(redfish, at + index));
    const started = await Promise.allSettled(part);
    for (const each of started) if (each.status === 'fulfilled') running.push(each.value);
    const failed = started.find(({ status }) => status === 'rejected');
    if (failed?.status !== 'rejected') continue;
    await stop();
    throw failed.reason;
  }
  return { services: running.slice(), stop };
}
