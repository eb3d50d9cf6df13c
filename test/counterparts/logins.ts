import { decodeRakp1 } from '../../src/drivers/ipmi/rmcp/handshake.ts';
import { decodePacket, PAYLOAD } from '../../src/drivers/ipmi/rmcp/packet.ts';

/** Counts the attempts to log in to a BMC: the sessions in which a RAKP message 1 names a user (IPMI 2.0 section 13.20). */
export class LoginCounter {
  readonly #sessions = new Set<number>();

  get count(): number {
    return this.#sessions.size;
  }

  /** A datagram on its way to the BMC. */
  readonly hear = (datagram: Buffer): void => {
    const packet = decodePacket(datagram);
    const isLogin = packet?.kind === 'session' && packet.payloadType === PAYLOAD.rakp1;
    const message = isLogin ? decodeRakp1(packet.payload) : null;
    if (message !== null) this.#sessions.add(message.bmcSessionId);
  };
}
