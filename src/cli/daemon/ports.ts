/** The ports of a conductor: they are open for as long as its process runs, whoever leads. */
import type { TlsSource } from '../../core/tls.ts';
import type { Door } from '../../http/door.ts';
import type { Front } from '../../server/api/front.ts';
import { listen } from '../../server/api/grpc.ts';
import { isLoopback } from '../shared/address.ts';

/** Where a conductor listens. */
interface PortPlaces {
  /** HOST:PORT for gRPC. */
  readonly listen: string;
  /** HOST:PORT for HTTP; null: not at all. */
  readonly httpListen: string | null;
  /** Null: plaintext. */
  readonly tls: TlsSource | null;
  readonly openFilesLimit: number;
}

/** Ports that are open. */
export interface Ports {
  /** HOST:PORT, with the port that was taken if 0 was asked for. */
  readonly grpc: string;
  /** The same for HTTP; null if there is none. */
  readonly http: string | null;
  /** Closes them when what is being served has ended, or was cut off. */
  close(): Promise<void>;
}

/** Opens both ports. @throws LISTEN_FAILED with the address; then none is open */
export async function openPorts(front: Front, places: PortPlaces): Promise<Ports> {
  const { listen: address, tls, openFilesLimit } = places;
  const listener = await listen(front, { address, tls, openFilesLimit });
  const door = await openDoorOf(front, places).catch(async (error) => {
    await listener.close();
    throw error;
  });
  return {
    grpc: address.replace(/:\d+$/, `:${listener.port}`),
    http: door?.address ?? null,
    async close() {
      await Promise.all([listener.close(), door?.close()]);
    },
  };
}

/** The HTTP door, or null if it is off; its packages are loaded only if it is on. */
async function openDoorOf({ services }: Front, { httpListen, tls, openFilesLimit }: PortPlaces): Promise<Door | null> {
  if (httpListen === null) return null;
  const { openDoor } = await import('../../http/door.ts');
  return openDoor(services, { address: httpListen, tls, onLoopback: isLoopback(httpListen), openFilesLimit });
}
