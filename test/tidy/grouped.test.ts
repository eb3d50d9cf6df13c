/** What runs in a group, in one process with others (test/grouped). */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { groupedFiles, groups, isSerial } from '../grouped/hooks.ts';
import { ROOT } from './sources.ts';

/** What asks the kernel whether the whole process is asleep: tests that run beside it in the same process keep it awake. */
const STILLNESS = 'test/counterparts/stillness.ts';

const IMPORTED = new Map<string, readonly string[]>();

/** What a file imports of ours. Each file is read once. */
function importedBy(path: string): readonly string[] {
  const known = IMPORTED.get(path);
  if (known) return known;
  const text = existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), 'utf8') : '';
  const found = [...text.matchAll(/(?:from|import|import\() ?'(\.[^']+)'/g)];
  const imported = found.map(([, specifier = '']) => join(dirname(path), specifier));
  IMPORTED.set(path, imported);
  return imported;
}

/** A file with all that it imports of ours, by their paths. */
function reachedFrom(path: string, reached = new Set<string>()): Set<string> {
  if (reached.has(path)) return reached;
  reached.add(path);
  for (const imported of importedBy(path)) reachedFrom(imported, reached);
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
