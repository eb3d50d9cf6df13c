/** What can be asked over SCCI: the names of the commands, their codes, and which of them are about power. */

/** The codes of the commands that are known here (ServerView SCCI reference; as python-scciclient and Ansible send them). */
const CODES = {
  PowerOnCabinet: [0x0111],
  PowerOffCabinet: [0x0112],
  PowerOffOnCabinet: [0x0113],
  ResetFirmware: [0x0203],
  ResetServer: [0x0204],
  RequestShutdownAndOff: [0x0205],
  RequestShutdownAndReset: [0x0206],
  ShutdownRequestCancelled: [0x0209],
  RaiseNMI: [0x020c],
  // Reading and writing have a code each, but one name.
  ConfigSpace: [0xe001, 0xe002],
} as const;

/** The name of a command. */
export type ScciCommand = keyof typeof CODES;
/** A command that does something, rather than to read or write settings. */
export type ScciOrder = Exclude<ScciCommand, 'ConfigSpace'>;

const COMMANDS = Object.keys(CODES) as ScciCommand[];
const HEXADECIMAL = /^(?:0x)?([0-9a-f]{1,4})$/i;

/** The command that is meant by a name or by a code in hexadecimal, with 0x or without; null if there is none. */
export function scciCommand(text: string): ScciCommand | null {
  const named = COMMANDS.find((name) => name === text);
  if (named !== undefined) return named;
  const digits = HEXADECIMAL.exec(text)?.[1];
  if (digits === undefined) return null;
  const code = Number.parseInt(digits, 16);
  return COMMANDS.find((name) => (CODES[name] as readonly number[]).includes(code)) ?? null;
}

/** These are carried out by the agent in the operating system, not by the iRMC. */
export const BY_THE_AGENT: ReadonlySet<ScciOrder> = new Set([
  'RequestShutdownAndOff',
  'RequestShutdownAndReset',
  'ShutdownRequestCancelled',
]);

/** After these an iRMC is busy with the power supply for a while. */
export const KEEP_BUSY: ReadonlySet<ScciOrder> = new Set([
  'PowerOnCabinet',
  'PowerOffCabinet',
  'PowerOffOnCabinet',
  'ResetServer',
]);
