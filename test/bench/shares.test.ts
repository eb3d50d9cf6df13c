/** Which part of the product the time of a profile is counted for. */
import test from 'ava';
import { type Part, type Profile, type Sources, sharesOf } from '../../bench/profile/shares.ts';

/** A bundle in which each of these sources has ten lines. */
const FILES = [
  'src/server/api/authorize.ts',
  'src/server/access/tokens.ts',
  'src/server/metrics/database.ts',
  'src/server/store/nodes.ts',
  'src/core/digest.ts',
  'node_modules/pino/lib/tools.js',
  'node_modules/knex/lib/raw.js',
  'src/server/api/trail.ts',
  'src/server/api/power_service.ts',
];
const SOURCES: Sources = new Map([['main.js', FILES.map((file, at) => [at * 10, file] as const)]]);

/** A profile with one sample in the last of these functions, each called by the one before. Without a file it is of Node. */
function profileOf(...path: readonly (readonly [name: string, file?: string])[]): Profile {
  const nodes = path.map(([functionName, file], at) => ({
    id: at + 1,
    callFrame:
      file === undefined
        ? { functionName, url: 'node:internal/x', lineNumber: 5 }
        : { functionName, url: 'file:///dist/main.js', lineNumber: FILES.indexOf(file) * 10 + 5 },
    children: at + 1 < path.length ? [at + 2] : [],
  }));
  return { nodes, samples: [path.length], timeDeltas: [250] };
}

const [AUTHORIZE, TOKENS, DATABASE, NODES, DIGEST, PINO, KNEX, TRAIL, SERVICE] = FILES as [
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
  string,
];
const DECIDE = ['decide', AUTHORIZE] as const;

const SAMPLES: readonly (readonly [what: string, profile: Profile, part: Part | null])[] = [
  ['a part itself', profileOf(DECIDE, ['find', TOKENS]), 'access'],
  ['Node, called by a part', profileOf(['find', TOKENS], ['update']), 'access'],
  ['what all use, called by a part', profileOf(['find', TOKENS], ['digestOf', DIGEST], ['update']), 'access'],
  ['a service', profileOf(['setPowerState', SERVICE], ['then']), null],
  ['a write that is only timed', profileOf(['write', DATABASE], ['findNode', NODES], ['query', KNEX]), null],
  ['the time that this takes', profileOf(['write', DATABASE]), 'metrics'],
  ['what an entry of the trail reads', profileOf(['keep', TRAIL], ['#append', TRAIL], ['findNode', NODES]), 'trail'],
  ['a line of the log', profileOf(['setPowerState', SERVICE], ['asJson', PINO], ['stringify']), 'log'],
  ['nothing of ours', profileOf(['processTicksAndRejections']), null],
];

for (const [what, profile, part] of SAMPLES)
  test(`${what}: ${part ?? 'no part'}`, (t) => {
    const { parts } = sharesOf(profile, SOURCES);
    t.deepEqual(
      Object.entries(parts).filter(([, share]) => share > 0),
      part === null ? [] : [[part, 1]],
    );
  });

test('idle time is not counted, and a sample stands for no more than a millisecond', (t) => {
  const profile = profileOf(['setPowerState', SERVICE], DECIDE);
  const idle = { id: 3, callFrame: { functionName: '(idle)', url: '', lineNumber: -1 } };
  const nodes = [...profile.nodes, idle];
  const { parts } = sharesOf({ nodes, samples: [1, 2, 3], timeDeltas: [1000, 60_000, 500_000] }, SOURCES);
  t.is(parts.access, 0.5);
});
