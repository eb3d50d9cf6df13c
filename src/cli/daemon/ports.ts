/** The ports of a conductor: they are open for as long as its process runs, whoever leads. */
import type { TlsSource } from '../../core/tls.ts';
import type { Door } from '../../http/door.ts';
import type { Front } from '../../server/api/front.ts';
import { listen } from '../../server/api/grpc.ts';
import { isLoopback } from '../shared/address.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';

/** What ports are made of. */
export interface PortParts {
  readonly front: Front;
  readonly configuration: Pick<
    Configuration,
    'listen' | 'httpListen' | 'databaseUrl' | 'drainTimeoutMs' | 'streamReadTimeoutMs'
  >;
  /** Null: plaintext. */
  readonly tls: TlsSource | null;
  readonly terminal: Pick<Terminal, 'openFilesLimit'>;
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
export async function openPorts(parts: PortParts): Promise<Ports> {
  const { front, configuration, tls, terminal } = parts;
  const { listen: address, databaseUrl, drainTimeoutMs, streamReadTimeoutMs } = configuration;
  const amongOthers = databaseUrl !== null;
  const listener = await listen(front, {
    address,
    tls,
    openFilesLimit: terminal.openFilesLimit(),
    amongOthers,
    drainTimeoutMs,
    streamReadTimeoutMs,
  });
  const door = await openDoorOf(parts).catch(async (error) => {
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
async function openDoorOf({ front, configuration, tls, terminal }: PortParts): Promise<Door | null> {
  const { httpListen: address, streamReadTimeoutMs } = configuration;
  if (address === null) return null;
  const { openDoor } = await import('../../http/door.ts');
  const openFilesLimit = terminal.openFilesLimit();
  const onLoopback = isLoopback(address);
  return openDoor(front.services, { address, tls, onLoopback, openFilesLimit, streamReadTimeoutMs });
}
