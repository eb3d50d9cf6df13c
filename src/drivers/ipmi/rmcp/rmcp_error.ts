/** What can go wrong between a client and a BMC: one cause for each thing that can be told apart on the wire. */

/** The causes, each with what it proves. */
const RMCP_CAUSES = {
  NAME_NOT_FOUND: 'no address is known for the host name; nothing was sent',
  NO_ROUTE: 'the system knows no way to the address; nothing was sent',
  PORT_CLOSED: 'the host answers that the port is closed; nothing was done',
  SILENT: 'nothing answers; the command was never sent, as there was no session for it',
  NO_IPMI_2: 'the BMC answers, but not to RMCP+; the command was never sent',
  UNKNOWN_USER: 'the BMC knows no such user; the command was never sent',
  WRONG_PASSWORD: 'the BMC has another password for the user; the command was never sent',
  WRONG_KG: 'the BMC has another BMC key K_g; the command was never sent',
  CIPHER_REFUSED: 'the BMC does not do the cipher suite; the command was never sent',
  NO_SESSION_SLOT: 'the BMC has no session left; the command was never sent',
  PRIVILEGE_TOO_LOW: 'the user may not have this privilege level, or it does not allow the command; nothing was done',
  REFUSED: 'the BMC refused the command or the session, with a code; nothing was done',
  NO_ANSWER: 'the command was sent and not answered: it is not known whether it was done',
  PROTOCOL_VIOLATION: 'the BMC answers with what the protocol does not allow; the command was never sent',
  GARBLED: 'the command was done, but its answer cannot be read',
  CLOSED: 'the client was closed; a command that was not under way was never sent',
} as const;
/** The name of a cause. */
export type RmcpCause = keyof typeof RMCP_CAUSES;

/** The one error of this client. Passwords and keys are never in it. */
export class RmcpError extends Error {
  readonly reason: RmcpCause;
  /** Of REFUSED and PRIVILEGE_TOO_LOW: the completion code that the BMC gave (IPMI 2.0 table 5-2), or null. */
  readonly completionCode: number | null;

  constructor(reason: RmcpCause, message: string, completionCode: number | null = null, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RmcpError';
    this.reason = reason;
    this.completionCode = completionCode;
  }
}
