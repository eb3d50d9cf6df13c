/**
 * SCCI, the iRMC's own command language: XML over HTTP (Fujitsu, "iRMC Configuration and Maintenance", SCCI interface; the
 * commands as `scciclient` and Fujitsu's Ansible collection send them). Pure: text in, text out.
 */
import { BMC_LIMITS } from '../../core/limits.ts';
import type { OrderTarget } from '../../core/power.ts';

/** The commands that we give, by the names that iRMCs take as well as their codes. */
export type ScciCommand =
  | 'PowerOnCabinet' // 0x0111
  | 'PowerOffCabinet' // 0x0112
  | 'ResetServer' // 0x0204
  | 'RequestShutdownAndOff' // 0x0205
  | 'RequestShutdownAndReset' // 0x0206
  | 'ShutdownRequestCancelled' // 0x0209
  | 'RaiseNMI'; // 0x020C

/** The command of each order. */
export const COMMAND_OF: Readonly<Record<OrderTarget, ScciCommand>> = {
  'power on': 'PowerOnCabinet',
  'power off': 'PowerOffCabinet',
  rebooting: 'ResetServer',
  'soft rebooting': 'RequestShutdownAndReset',
  'soft power off': 'RequestShutdownAndOff',
  'inject nmi': 'RaiseNMI',
};

/** The body of a request: as scciclient writes it, which is what iRMCs are used to. */
export function scciRequest(command: ScciCommand): string {
  return `
<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<CMDSEQ>
  <CMD Context="SCCI" OC="${command}" OE="0" OI="0" Type="SET">
  </CMD>
</CMDSEQ>
`;
}

/** What an iRMC answers. */
export interface ScciStatus {
  /** 0 means accepted, not done. 31 is a wrapper for anything; see `words`. */
  readonly value: number;
  /** Its own words: of what it found wrong, else of how it went. Printable, and not long. */
  readonly words: string;
}

/** Longer answers are not read. */
export const { limit: REPLY_LIMIT } = BMC_LIMITS.irmc_answer_bytes;
/** More of its words are not repeated, in characters. */
export const WORDS_LIMIT = 200;
