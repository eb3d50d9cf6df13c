import { decodePacket, PAYLOAD } from '../../src/drivers/ipmi/rmcp/packet.ts';

/** Counts the attempts to log in to a BMC: each begins with an Open Session Request (IPMI 2.0 section 13.17). */
export class LoginCounter {
  count = 0;

  /** A datagram on its way to the BMC. */
  readonly hear = (datagram: Buffer): void => {
    const packet = decodePacket(datagram);
    if (packet?.kind === 'session' && packet.payloadType === PAYLOAD.openSessionRequest) this.count += 1;
  };
}
