/** Copies of the product with a defect in them, for `npm run defects` and `npm run defects:drivers`. */
import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COPIED = ['bin', 'scripts', 'src', 'test', 'package.json', 'tsconfig.json'];

/** A place in a source. */
export interface Edit {
  readonly file: string;
  /** Stands there once. */
  readonly from: string;
  readonly to: string;
  /**
   * It is a wall in front of the defect, and is taken out of the copy that must pass as well: which shows that the second wall holds
   * where the first does not.
   */
  readonly isInFront?: true;
}

/** Resolves with a new folder that has the product and its tests, with these edits made. Its caller removes it. */
export async function copyWith(edits: readonly Edit[]): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-defect-'));
  for (const each of COPIED) await cp(join(ROOT, each), join(folder, each), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const { file, from, to } of edits) {
    const path = join(folder, file);
    const text = await readFile(path, 'utf8');
    // A function: in a text, `$&` would mean something.
    const changed = text.replace(from, () => to);
    await writeFile(path, changed);
  }
  return folder;
}
