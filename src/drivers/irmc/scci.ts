/**
 * SCCI, the iRMC's own command language: XML over HTTP (Fujitsu, "iRMC Configuration and Maintenance", SCCI interface; the
 * commands as `scciclient` and Fujitsu's Ansible collection send them). Pure: text in, text out.
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { OrderTarget } from '../../core/power.ts';

/** The commands that we give, by their names and with their codes. */
export const SCCI_COMMANDS = {
  PowerOnCabinet: 0x0111,
  PowerOffCabinet: 0x0112,
  ResetServer: 0x0204,
  RequestShutdownAndOff: 0x0205,
  RequestShutdownAndReset: 0x0206,
  ShutdownRequestCancelled: 0x0209,
  RaiseNMI: 0x020c,
} as const;
/** A command by its name. */
export type ScciCommand = keyof typeof SCCI_COMMANDS;

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

/** Longer replies are not read; a status has a few hundred bytes. */
export const REPLY_LIMIT = 64 * 1024;
/** More of its words are not repeated. */
const WORDS_LIMIT = 200;
/** Deeper than any status. */
const DEEPEST = 8;

const parser = new XMLParser({
  parseTagValue: false,
  trimValues: false,
  // Of entities, the five of XML itself are known; a reply that declares others is not read at all.
  processEntities: { enabled: true, maxTotalExpansions: 1000 },
  maxNestedTags: DEEPEST,
  isArray: (name) => name === 'Error',
});

/**
 * Reads a reply.
 * @returns the status, or what is wrong with the reply, as a sentence without its beginning. It never throws, whatever comes
 */
export function readStatus(xml: string): ScciStatus | string {
  if (xml.length > REPLY_LIMIT) return `is longer than ${REPLY_LIMIT} bytes`;
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) return 'declares a document type, which no status does';
  if (!/<Status[\s>]/.test(xml)) return 'holds no status';
  try {
    const valid = XMLValidator.validate(xml.trim());
    if (valid !== true) return `is not well-formed XML (line ${valid.err.line})`;
    return statusOf(parser.parse(xml.trim()));
  } catch {
    return 'is not XML that can be read';
  }
}

function statusOf(document: unknown): ScciStatus | string {
  const status = childOf(document, 'Status');
  const value = textOf(childOf(status, 'Value'));
  if (value === null || !/^\s*\d{1,9}\s*$/.test(value)) return 'has a status without a value';
  const errors = childOf(status, 'Error');
  const found = (Array.isArray(errors) ? errors : []).map(textOf).filter((text) => text !== null && text !== '');
  const words = found.length > 0 ? found.join('; ') : (textOf(childOf(status, 'Message')) ?? '');
  return { value: Number(value), words: printable(words) };
}

function childOf(parent: unknown, name: string): unknown {
  if (typeof parent !== 'object' || parent === null || !Object.hasOwn(parent, name)) return undefined;
  return (parent as Record<string, unknown>)[name];
}

/** The text of an element, with or without attributes. */
function textOf(element: unknown): string | null {
  if (typeof element === 'string') return element;
  const text = childOf(element, '#text');
  return typeof text === 'string' ? text : null;
}

/** What a BMC says goes into messages and terminals: nothing in it may act there. */
export function printable(words: string): string {
  const plain = words.replace(/[\p{C}\s]+/gu, ' ').trim();
  return plain.length > WORDS_LIMIT ? `${plain.slice(0, WORDS_LIMIT)}...` : plain;
}
