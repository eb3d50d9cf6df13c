/**
 * The mistakes in drivers that tests must find: each changes a few lines of the product, as a tired author would, and names the
 * test file that fails with it.
 */
import type { Edit } from '../simulation/copies.ts';

/** A mistake, and who finds it. */
export interface DriverDefect extends Edit {
  readonly foundBy: string;
}

const SESSION = 'src/drivers/ipmi/rmcp/session.ts';
const CLIENT = 'src/drivers/ipmi/rmcp/client.ts';
const REDFISH_HTTP = 'src/drivers/redfish/http.ts';
const IPMI = 'test/conformance/sim_bmc.test.ts';
const REDFISH = 'test/conformance/redfish_session.test.ts';

/** What is wrong afterwards, by name. */
export const DRIVER_DEFECTS: Readonly<Record<string, DriverDefect>> = {
  'an order over IPMI is sent twice': {
    file: SESSION,
    from: 'patienceWith(command.idempotent ? asked : once, this.#roundTripMs)',
    to: 'patienceWith(command.idempotent ? asked : { ...once, resendAfterMs: asked.resendAfterMs }, this.#roundTripMs)',
    foundBy: IPMI,
  },
  'an order over IPMI is sent though its time is over': {
    file: 'src/drivers/ipmi/native.ts',
    from: 'endOf(signal) ?? objectionTo(',
    to: 'objectionTo(',
    foundBy: IPMI,
  },
  'an order over IPMI is sent again in a new session': {
    file: CLIENT,
    from: "const again = over && error.reason === 'NO_ANSWER' && !once && first?.opened === false;",
    to: "const again = error.reason === 'NO_ANSWER' && error.completionCode === null && asking === 'the command';",
    foundBy: IPMI,
  },
  'an order over Redfish is sent again after a garbled answer': {
    file: 'src/drivers/redfish/orders.ts',
    from: 'if (first.reply.status !== 412 && first.reply.status !== 428) return first;',
    to: 'if (first.reply.status < 400) return first;',
    foundBy: 'test/drivers/redfish_once.test.ts',
  },
  'an order over Redfish is sent again though there is no ETag for it': {
    file: 'src/drivers/redfish/orders.ts',
    from: 'if (etag === undefined) return first;',
    to: '',
    foundBy: 'test/drivers/redfish_once.test.ts',
  },
  'a refused order over Redfish counts as done, as the node is on': {
    file: 'src/drivers/redfish/orders.ts',
    from: 'if (!idempotent) return false;',
    to: '',
    foundBy: 'test/drivers/redfish_once.test.ts',
  },
  'the outcome of an order is read at another place': {
    file: 'src/agent/one_bmc.ts',
    from: '        sentTo = readAt;\n        return sent;',
    to: '        return sent;',
    foundBy: 'test/drivers/one_bmc.test.ts',
  },
  'a login that was refused is repeated': {
    file: 'src/drivers/logins.ts',
    from: 'if (!trying && (granted || this.#clock.monotonic() >= nextAt)) return false;',
    to: 'if (!trying) return false;',
    foundBy: IPMI,
  },
  'an order is waited for without end': {
    file: SESSION,
    from: "if (!idempotent) return this.#fail('NO_ANSWER', noAnswer, false);",
    to: 'if (!idempotent) return [];',
    foundBy: IPMI,
  },
  'a page of Redfish is waited for without end': {
    file: REDFISH_HTTP,
    from: 'openCancellation([signal], { clock, afterMs: request.timeoutMs, what });',
    to: 'openCancellation([signal]);',
    foundBy: REDFISH,
  },
  'an abort does not end what is asked over Redfish': {
    file: REDFISH_HTTP,
    from: 'openCancellation([signal], { clock, afterMs: request.timeoutMs, what });',
    to: 'openCancellation([], { clock, afterMs: request.timeoutMs, what });',
    foundBy: REDFISH,
  },
  'an abort does not end what is asked over IPMI': {
    file: CLIENT,
    from: "signal.addEventListener('abort', leave, { once: true });\n      this.#waiting.push(waiting);",
    to: 'this.#waiting.push(waiting);',
    foundBy: IPMI,
  },
  'an abort leaves its listener behind': {
    file: CLIENT,
    from: "signal.removeEventListener('abort', leave);\n          if (error === null)",
    to: 'if (error === null)',
    foundBy: IPMI,
  },
  'a late answer over IPMI is believed': {
    file: SESSION,
    from: 'return fits && answer.sequence === asked ? answer : null;',
    to: 'return fits || answer.sequence === asked ? answer : null;',
    foundBy: 'test/drivers/rmcp/client.test.ts',
  },
  'an answer that was recorded is believed again': {
    file: SESSION,
    from: 'if (!isSigned(packet, keys) || !this.#incoming.accept(sequence)) return null;',
    to: 'if (!isSigned(packet, keys) || sequence === 0) return null;',
    foundBy: 'test/drivers/rmcp/client.test.ts',
  },
  'a session with a BMC is not closed': {
    file: SESSION,
    from: 'return [this.#encode(closeSession(opened.bmcSessionId), this.#sequence, opened)];',
    to: 'return [];',
    foundBy: 'test/drivers/rmcp/pool.test.ts',
  },
  'the socket of a session that is given up stays open': {
    file: CLIENT,
    from: 'this.#line?.close();\n',
    to: '',
    foundBy: 'test/drivers/rmcp/leaks.test.ts',
  },
  'a session of Redfish is not ended': {
    file: 'src/drivers/redfish/sessions.ts',
    from: 'for (const opening of this.#sessions.values()) opening.then((session) => this.#end(session)).catch(() => {});',
    to: '',
    foundBy: 'test/drivers/redfish_login.test.ts',
  },
};
