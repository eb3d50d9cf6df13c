/** What SCCI answers, letter by letter as iRMCs do (recorded in the tests of python-scciclient). */
import type { ScciRequest } from './request.ts';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>';

/** Where something went wrong, and what it was. */
interface ScciFailure {
  readonly oc: string;
  readonly oe?: number;
  readonly oi?: number;
  readonly text: string;
}

/** Value 31: the request was not carried out, for a reason that stands beside it. */
export const NOT_IMPORTED = 31;
/** Value 5: too much at once. */
export const INPUT_OUTPUT_ERROR = 5;

const MESSAGES: ReadonlyMap<number, string> = new Map([
  [INPUT_OUTPUT_ERROR, 'Error 5 (Input/output error) occurred'],
  [NOT_IMPORTED, 'Error 31 (Import of settings in WinSCU XML format failed) occurred'],
]);

/** The answer to a request that was taken. It says nothing about the end of what was ordered. */
export const TAKEN = `${DECLARATION}<Status><Value>0</Value><Severity>Information</Severity><Message>No Error</Message></Status>`;

/** The answer to a request that was refused. */
export function refusal(value: number, { oc, oe = 0, oi = 0, text }: ScciFailure): string {
  const message = MESSAGES.get(value) ?? `Error ${value} occurred`;
  const where = `Context="SCCI" OC="${escaped(oc)}" OE="${hexadecimal(oe)}" OI="${hexadecimal(oi)}"`;
  return (
    `${DECLARATION}\n<Status>\n<Value>${value}</Value>\n<Severity>Error</Severity>\n` +
    `<Message>${message}</Message>\n<Error ${where}>${escaped(text)}</Error>\n</Status>\n`
  );
}

/** The answer to a request that reads: the request, with what was read. */
export function values(requests: readonly ScciRequest[], read: (request: ScciRequest) => string): string {
  const commands = requests.map((request) => {
    const where = `Context="SCCI" OC="${escaped(request.oc)}" OE="${hexadecimal(request.oe)}" OI="${hexadecimal(request.oi)}"`;
    const data = request.type === 'GET' ? `<DATA Type="xsd::string">${escaped(read(request))}</DATA>` : '';
    return `<CMD ${where} Type="${request.type}">${data}<STATUS>0</STATUS></CMD>`;
  });
  return `${DECLARATION}<CMDSEQ>${commands.join('')}</CMDSEQ>`;
}

const hexadecimal = (number: number): string => number.toString(16).toUpperCase();

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? '');
}
