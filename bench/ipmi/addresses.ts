/**
 * Loopback addresses for a fleet, that no other fleet has: a block for each, of the 64 in 127.128.0.0/10. Two simulators
 * on one UDP port do not fail, one of them silently hears nothing; so whoever has a block holds a socket there alone.
 */
import { createSocket, type Socket } from 'node:dgram';
import { fail } from '../../src/core/errors.ts';

/** The port of IPMI, for which the system wants privileges, and what is used without. */
const PORTS = [623, 6230];
const FIRST_BLOCK = 128;
const BLOCKS = 64;
/** Addresses of a block that share their first three numbers, so that one range of host names says them all. */
const PER_RANGE = 112;
const RANGES = 250;

/** A block of addresses, ours until it is released or the process ends. */
export interface AddressBlock {
  readonly port: number;
  /** How many BMCs there can be. */
  readonly size: number;
  /** The address of the BMC `index`, from 0. */
  address(index: number): string;
  /** The first `count` addresses as ipmipower and powerman write them: `127.130.0.[1-112]`. */
  ranges(count: number): string[];
  /** An address of the block that no BMC has. */
  readonly spare: string;
  release(): void;
}

/** Takes a block that is free. @throws LISTEN_FAILED if there is none */
export async function takeBlock(): Promise<AddressBlock> {
  for (const port of PORTS) {
    for (let attempt = 0; attempt < BLOCKS; attempt += 1) {
      const block = `127.${FIRST_BLOCK + ((process.pid + attempt) % BLOCKS)}`;
      const lock = await bindAlone(`${block}.255.254`, port);
      if (lock === 'EACCES') break;
      if (typeof lock !== 'string') return blockOf(block, port, lock);
    }
  }
  throw fail('LISTEN_FAILED', `no block of loopback addresses is free: all ${BLOCKS} are in use`);
}

function blockOf(block: string, port: number, lock: Socket): AddressBlock {
  return {
    port,
    size: RANGES * PER_RANGE,
    address: (index) => `${block}.${Math.floor(index / PER_RANGE)}.${(index % PER_RANGE) + 1}`,
    ranges: (count) =>
      Array.from({ length: Math.ceil(count / PER_RANGE) }, (_, range) => {
        const last = Math.min(count - range * PER_RANGE, PER_RANGE);
        return last === 1 ? `${block}.${range}.1` : `${block}.${range}.[1-${last}]`;
      }),
    spare: `${block}.255.253`,
    release: () => lock.close(),
  };
}

/** A socket that keeps everybody else from its address and port, or why there is none. It does not keep us running. */
function bindAlone(address: string, port: number): Promise<Socket | string> {
  const socket = createSocket('udp4');
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      resolve(error.code ?? error.message);
    });
    socket.bind({ port, address, exclusive: true }, () => resolve(socket.unref()));
  });
}
