/** What runs in a group, in one process with others (test/grouped). */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { groupedFiles, groups, isSerial } from '../grouped/hooks.ts';
import { ROOT } from './sources.ts';

/** What asks the kernel whether the whole process is asleep: tests that run beside it in the same process keep it awake. */
const STILLNESS = 'test/counterparts/stillness.ts';

/** A file with all that it imports of ours, by their paths. */
function reachedFrom(path: string, reached = new Set<string>()): Set<string> {
  if (reached.has(path) || !existsSync(join(ROOT, path))) return reached;
  reached.add(path);
  const text = readFileSync(join(ROOT, path), 'utf8');
  for (const [, imported = ''] of text.matchAll(/(?:from|import|import\() ?'(\.[^']+)'/g))
    reachedFrom(join(dirname(path), imported), reached);
  return reached;
}

test('a group has no test twice, and none that waits until its whole process is still runs beside others', (t) => {
  t.true(existsSync(join(ROOT, STILLNESS)));
  const files = groupedFiles();
  t.true(files.length > 100);
  t.is(new Set(files).size, files.length);
  t.deepEqual(
    files.filter((file) => !existsSync(join(ROOT, file))),
    [],
  );
  const beside = [...groups()].flatMap(([group, members]) => (isSerial(group) ? [] : members));
  t.true(beside.length > 100);
  t.deepEqual(
    beside.filter((file) => reachedFrom(file).has(STILLNESS)),
    [],
  );
});
