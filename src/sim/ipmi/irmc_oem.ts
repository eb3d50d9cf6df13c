/**
 * The vendor's commands of a Fujitsu iRMC, as far as they concern power: whether the agent in the operating system is there,
 * requests to that agent, and the system status (iRMC S4/S5 User Guide, chapter "IPMI OEM commands").
 */
import { COMPLETION } from '../../drivers/ipmi/rmcp/completion_codes.ts';
import { NET_FN, type RequestMessage } from '../../drivers/ipmi/rmcp/message.ts';
import type { SimHost } from '../host.ts';
import type { SimAnswer } from './bmc_session.ts';

/** Fujitsu's enterprise number 10368, low byte first: every request and every answer begins with it. */
const FUJITSU = Buffer.from([0x80, 0x28, 0x00]);

/** Command numbers of network function 2Eh. */
const COMMAND = { communication: 0x02, systemStatus: 0xf5 } as const;
/** What follows the enterprise number. */
const REQUEST = { shutdown: 0x05, shutdownAndReset: 0x06, agentStatus: 0x08, shutdownCancelled: 0x09 } as const;
const SYSTEM_STATUS_REQUEST = 0x10;
/** Enterprise number, request, and the time of the asker in four bytes. */
const SYSTEM_STATUS_LENGTH = 8;

/** The data are too short or too long (IPMI 2.0 table 5-2). */
const LENGTH_INVALID = 0xc7;

/** Bits of the system status. */
const STATUS = { on: 0x80, agentConnected: 0x02, inPost: 0x01 } as const;

const done = (...data: readonly number[]): SimAnswer => ({
  completionCode: COMPLETION.ok,
  data: Buffer.from([...FUJITSU, ...data]),
});
const refused = (completionCode: number): SimAnswer => ({ completionCode });

/**
 * The vendor's commands of one iRMC, for `more` of SimBmcParts. The agent is connected while `agentConnected` says so and
 * the operating system of `host` runs. Without it the requests to it are refused with D5h, as there is no host to do them;
 * so is a cancel when nothing can be taken back any more.
 */
export function irmcCommands(
  host: SimHost,
  agentConnected: () => boolean,
): (request: RequestMessage) => SimAnswer | null {
  const agentIsThere = (): boolean => agentConnected() && host.boot === 'os-running';
  return ({ netFn, command, data }) => {
    if (netFn !== NET_FN.oem || (command !== COMMAND.communication && command !== COMMAND.systemStatus)) return null;
    if (data.length <= FUJITSU.length) return refused(LENGTH_INVALID);
    if (!data.subarray(0, FUJITSU.length).equals(FUJITSU)) return refused(COMPLETION.invalidCommand);
    const request = data.readUInt8(FUJITSU.length);
    if (command === COMMAND.communication) return communicate(request, host, agentIsThere());
    if (request !== SYSTEM_STATUS_REQUEST) return refused(COMPLETION.invalidData);
    if (data.length !== SYSTEM_STATUS_LENGTH) return refused(LENGTH_INVALID);
    // Signalling, notifications and POST code: there is nothing to report.
    return done(statusOf(host, agentIsThere()), 0, 0, 0);
  };
}

function communicate(request: number, host: SimHost, agentIsThere: boolean): SimAnswer {
  switch (request) {
    case REQUEST.agentStatus:
      return done(0x01, agentIsThere ? 1 : 0);
    case REQUEST.shutdown:
    case REQUEST.shutdownAndReset:
      if (!agentIsThere) return refused(COMPLETION.notInPresentState);
      host.stopSoftly(request === REQUEST.shutdownAndReset);
      return done();
    case REQUEST.shutdownCancelled:
      // What a real one says when there is nothing to cancel is not known; the agent has then done what it was asked.
      return agentIsThere && host.cancel() !== 'too late' ? done() : refused(COMPLETION.notInPresentState);
    default:
      return refused(COMPLETION.invalidData);
  }
}

function statusOf(host: SimHost, agentIsThere: boolean): number {
  const inPost = host.boot === 'self-test' || host.boot === 'reset';
  const on = host.power === 'power on' ? STATUS.on : 0;
  return on | (agentIsThere ? STATUS.agentConnected : 0) | (inPost ? STATUS.inPost : 0);
}
