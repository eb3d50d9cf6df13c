/** The replies of SCCI, read. Whatever comes, it is a status or a reason why it is none. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { BMC_LIMITS } from '../../core/limits.ts';
import { quoted } from '../../core/masking.ts';
import { type ScciStatus, WORDS_LIMIT } from './scci.ts';

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
 * @param secrets are masked in the words of the iRMC, which knows the password
 * @returns the status, or what is wrong with the reply, as a sentence without its beginning. It never throws, whatever comes
 */
export function readStatus(xml: string, secrets: readonly string[] = []): ScciStatus | string {
  // The packages take a quarter of a second for some answers of 64 KiB.
  const { limit, unit } = BMC_LIMITS.irmc_status_length;
  if (xml.length > limit) return `is longer than ${limit} ${unit}`;
  if (/<!(DOCTYPE|ENTITY)/i.test(xml)) return 'declares a document type, which no status does';
  if (!/<Status[\s>]/.test(xml)) return 'holds no status';
  try {
    const valid = XMLValidator.validate(xml.trim());
    if (valid !== true) return `is not well-formed XML (line ${valid.err.line})`;
    return statusOf(parser.parse(xml.trim()), secrets);
  } catch {
    return 'is not XML that can be read';
  }
}

function statusOf(document: unknown, secrets: readonly string[]): ScciStatus | string {
  const status = childOf(document, 'Status');
  const value = textOf(childOf(status, 'Value'));
  if (value === null || !/^\s*\d{1,9}\s*$/.test(value)) return 'has a status without a value';
  const errors = childOf(status, 'Error');
  const found = (Array.isArray(errors) ? errors : []).map(textOf).filter((text) => text !== null && text !== '');
  const words = found.length > 0 ? found.join('; ') : (textOf(childOf(status, 'Message')) ?? '');
  return { value: Number(value), words: quoted(words, secrets, WORDS_LIMIT) };
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
