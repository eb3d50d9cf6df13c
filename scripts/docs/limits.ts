/** docs/limits.md, from the table of limits. */
import {
  AGENT_LIMITS,
  BMC_LIMITS,
  HTTP_LIMITS,
  IDENTITY_LIMITS,
  KEPT_LIMITS,
  type LimitRow,
  OPEN_LIMITS,
  SENT_LIMITS,
  SINK_LIMITS,
  SOURCE_LIMITS,
} from '../../src/core/limits.ts';
import { code, markdownTable, page } from './markdown.ts';

const SECTIONS: readonly (readonly [title: string, text: string, rows: Readonly<Record<string, LimitRow>>])[] = [
  ['What a client sends', 'A request that exceeds a limit is refused whole; nothing is written.', SENT_LIMITS],
  [
    'What an agent sends',
    'An agent whose hello exceeds a limit is not attached. A later message that does is cut, or counts as an error.',
    AGENT_LIMITS,
  ],
  ['What a BMC answers', 'What is larger is an error of that BMC.', BMC_LIMITS],
  ['Sinks, and what their receivers answer', 'One more is refused; of an answer, no more is read.', SINK_LIMITS],
  ['What a cloud sends', 'What is larger is refused.', SOURCE_LIMITS],
  [
    'What is open at the same time',
    'One more is refused, unless the limit says otherwise; what is open stays open.',
    OPEN_LIMITS,
  ],
  [
    'What one identity has',
    'One more is refused, and the answer says when to try again; aborts, cancels and rollbacks are never refused. A caller without ' +
      'credentials is counted by its address. What was made before there were these limits counts for no identity.',
    IDENTITY_LIMITS,
  ],
  [
    'Connections of the HTTP door',
    'What takes longer or is larger is answered, and its connection closed.',
    HTTP_LIMITS,
  ],
  [
    'What is kept of the texts of others',
    'What is longer is cut, or counts as absent; nothing is refused.',
    KEPT_LIMITS,
  ],
];

/** The page. */
export function printLimits(): string {
  const parts = SECTIONS.map(([title, text, rows]) => {
    const lines = Object.entries(rows).map(([name, { what, limit, unit, error, key = '' }]) => {
      const told = rows === KEPT_LIMITS ? '' : code(error);
      return [code(name), what, `${limit.toLocaleString('en')} ${unit}`, code(key), told];
    });
    return `## ${title}\n\n${text}\n\n${markdownTable(['limit', 'on', 'at most', 'configuration key', 'error'], lines)}`;
  });
  return page('Limits', 'src/core/limits.ts', [
    'What can be sent, opened and kept, so that no client, agent or BMC costs the conductor more than its share. Timeouts are keys of the [configuration](configuration.md).',
    ...parts,
  ]);
}
