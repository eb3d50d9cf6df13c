/** docs/side_by_side.md, from the exchanges that the tests send. */
import { EXCHANGES, type Exchange } from '../../test/http/ironic_exchanges.ts';
import { code, markdownTable, page } from './markdown.ts';

const CUT = 300;
const short = (text: string): string => (text.length > CUT ? `${text.slice(0, CUT)} ...` : text);

function asked({ ask, version, headers = {}, body }: Exchange): string {
  const sent = body === undefined ? '' : ` ${code(short(typeof body === 'string' ? body : JSON.stringify(body)))}`;
  const asVersion = version === null ? ', no version' : version === undefined ? '' : `, version ${version}`;
  const also = Object.entries(headers).map(([name, value]) => `, ${code(`${name}: ${value}`)}`);
  return `${code(ask)}${sent}${asVersion}${also.join('')}`;
}

function answered({ status, says, only = [] }: Exchange['ours']): string {
  const fields = only.length === 0 ? '' : `; also ${only.map(code).join(', ')}`;
  return `${status}${says === undefined ? '' : ` ${short(says)}`}${fields}`;
}

const INTRODUCTION = [
  "The same requests, in this order, to Ironic 21.4.4 with one node `n1` of its driver `fake-hardware`, and to countermand with one of its driver `fake`. Ironic's answers were recorded; ours are asked anew by `test/http/side_by_side.test.ts`. `also` names the fields that only this side has, in a list those of an entry. Requests ask for version 1.78 unless something else is said.",
  'Sentences are always others than those of Ironic: they say what is possible instead. A status or a field that differs has its reason.',
];

/** The page. */
export function printSideBySide(): string {
  const differs = EXCHANGES.filter(({ why }) => why !== undefined);
  const alike = EXCHANGES.filter(({ why }) => why === undefined);
  const row = (each: Exchange): string[] => [asked(each), answered(each.ironic), answered(each.ours)];
  return page('Ironic and countermand, side by side', 'test/http/ironic_exchanges.json', [
    ...INTRODUCTION,
    `## What differs: ${differs.length} of ${EXCHANGES.length}`,
    markdownTable(
      ['request', 'Ironic', 'countermand', 'why'],
      differs.map((each) => [...row(each), each.why ?? '']),
    ),
    `## What is alike: ${alike.length} of ${EXCHANGES.length}`,
    markdownTable(['request', 'Ironic', 'countermand'], alike.map(row)),
  ]);
}
