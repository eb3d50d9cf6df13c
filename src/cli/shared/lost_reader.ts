/** Notices that the reader of a pipe has gone while nothing is written to it. */
import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';

/** The writing end of the pipe at stdout, to open once more: Node has its own handle on the first. */
const OWN_STDOUT = '/proc/self/fd/1';

/** A handle of Node's event loop. */
interface Handle {
  /** 0 if the file can be waited for. */
  open(file: number): number;
}

/** What Node has for sockets below node:net. */
interface Binding {
  readonly TCP: new (kind: number) => Handle;
  readonly constants: { readonly SOCKET: number };
}

/**
 * Calls `onGone` once, when stdout has no reader any more. Only where stdout is a pipe, and the system and
 * Node can tell; elsewhere, also at a socket, it does nothing, and the next write tells. It does not keep the process alive.
 */
export function watchReader(own: NodeJS.Process, onGone: () => void): void {
  const handle = openHandle(own);
  if (handle === null) return;
  const options = { handle, readable: true, writable: false } as unknown as SocketConstructorOpts;
  const socket = new Socket(options);
  socket.once('error', () => {
    socket.destroy();
    onGone();
  });
  socket.unref().resume();
}

/**
 * The event loop waits for an end of a pipe only if it takes it for one that can be read. A writing end has nothing to read while
 * it has a reader; then the system reports an error, and so does the attempt to read. Node offers that for sockets alone, and calls
 * any file a socket that is opened as one. Null where that does not go.
 */
function openHandle(own: NodeJS.Process): Handle | null {
  let file: number;
  try {
    if (!fstatSync(own.stdout.fd).isFIFO()) return null;
    // A pipe of another user cannot be opened.
    file = openSync(OWN_STDOUT, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const { TCP, constants: kinds } = (own as unknown as { binding(name: string): Binding }).binding('tcp_wrap');
    const handle = new TCP(kinds.SOCKET);
    if (handle.open(file) === 0) return handle;
  } catch {
    // A Node without this: the next write tells.
  }
  closeSync(file);
  return null;
}
