/** What an SCCI request asks for: the grammar of CMDSEQ (iRMC S2/S3 manual, "Remote configuration via SCCI"). */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { type ScciCommand, scciCommand } from './commands.ts';

/** One command of a request. */
export interface ScciRequest {
  /** The command as the request has it: a name or a code. */
  readonly oc: string;
  readonly command: ScciCommand;
  /** Extension: the number of the setting, for ConfigSpace. */
  readonly oe: number;
  /** Index: which of several objects of a kind. */
  readonly oi: number;
  readonly type: 'GET' | 'SET';
  readonly data: string | null;
}

/** Why a request is refused as a whole, and where. */
interface ScciComplaint {
  readonly complaint: string;
  /** The command that is not understood, as the request has it; 0 for the request itself, and for what is no word. */
  readonly oc: string;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '@',
  processEntities: false,
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
  maxNestedTags: 8,
  isArray: (name) => name === 'CMD',
});

/** What the parser makes of an element. */
type Element = Readonly<Record<string, unknown>>;

const HEXADECIMAL = /^(?:0x)?[0-9a-f]{1,8}$/i;

/** The commands of a request, in order; or why there are none. White space may stand before the XML declaration. */
export function readScciRequest(body: string): readonly ScciRequest[] | ScciComplaint {
  const text = body.trim();
  const isWellFormed = XMLValidator.validate(text);
  if (isWellFormed !== true) return unreadable(isWellFormed.err.msg);
  if (text.includes('<!')) return withoutComments(text);
  return readSequence(text);
}

/** Comments are harmless; a document type is not, and no request needs one. */
function withoutComments(text: string): readonly ScciRequest[] | ScciComplaint {
  const rest = text.replaceAll(/<!--[\s\S]*?-->/g, '');
  return rest.includes('<!') ? unreadable('a document type is not allowed') : readSequence(rest);
}

function readSequence(text: string): readonly ScciRequest[] | ScciComplaint {
  let document: Element;
  try {
    document = parser.parse(text) as Element;
  } catch (error) {
    return unreadable(error instanceof Error ? error.message : String(error));
  }
  const sequence = document.CMDSEQ;
  if (!isElement(sequence)) return unreadable('the root is not CMDSEQ');
  const commands = sequence.CMD;
  if (!Array.isArray(commands)) return unreadable('CMDSEQ has no CMD');
  const read: ScciRequest[] = [];
  for (const command of commands) {
    const request = isElement(command) ? readCommand(command) : unreadable('a CMD has no attributes');
    if ('complaint' in request) return request;
    read.push(request);
  }
  return read;
}

function readCommand(element: Element): ScciRequest | ScciComplaint {
  const oc = attribute(element, 'OC', '');
  const refuse = (complaint: string): ScciComplaint => ({ complaint, oc: /^\w{1,64}$/.test(oc) ? oc : '0' });
  if (attribute(element, 'Context', '') !== 'SCCI') return refuse('Context is not SCCI');
  const command = scciCommand(oc);
  if (command === null) return refuse('Unknown operation code');
  const [oe, oi] = [attribute(element, 'OE', '0'), attribute(element, 'OI', '0')];
  if (!HEXADECIMAL.test(oe) || !HEXADECIMAL.test(oi)) return refuse('OE or OI is not hexadecimal');
  if (!/^-?\d+$/.test(attribute(element, 'CA', '-1'))) return refuse('CA is not a number');
  const type = attribute(element, 'Type', 'GET');
  if (type !== 'GET' && type !== 'SET') return refuse('Type is neither GET nor SET');
  const numbers = { oe: Number.parseInt(oe, 16), oi: Number.parseInt(oi, 16) };
  return { oc, command, ...numbers, type, data: textOf(element.DATA) };
}

const unreadable = (why: string): ScciComplaint => ({
  complaint: `XML parser creation failed (Error parsing: ${why})`,
  oc: '0',
});

function isElement(value: unknown): value is Element {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function attribute(element: Element, name: string, otherwise: string): string {
  const value = element[`@${name}`];
  return typeof value === 'string' ? value : otherwise;
}

/** The text of an element, with or without attributes; null if there is none. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (!isElement(value)) return null;
  const text = value['#text'];
  return typeof text === 'string' ? text : '';
}
