/** The contract is compared with that of the last release, whose image lies in proto/released. */
import { type ExecFileException, execFile } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { byVersion, newestReleased } from '../../scripts/test.ts';
import { VERSION } from '../../src/core/version.ts';
import { newFolder } from '../counterparts/folder.ts';
import { ROOT } from './sources.ts';

/** What `buf breaking` says of our contract after a change. */
async function breakingAfter(t: ExecutionContext, change: (text: string) => string): Promise<string[]> {
  const folder = await newFolder(t);
  cpSync(join(ROOT, 'proto'), join(folder, 'proto'), { recursive: true });
  cpSync(join(ROOT, 'buf.yaml'), join(folder, 'buf.yaml'));
  const path = join(folder, 'proto/countermand/v1/node.proto');
  const text = readFileSync(path, 'utf8');
  writeFileSync(path, change(text));
  return breaking(folder, join(ROOT, newestReleased()));
}

/** What `buf breaking` says of a contract beside an older one. */
function breaking(contract: string, against: string): Promise<string[]> {
  const words = ['breaking', contract, '--against', against];
  return new Promise((resolve, reject) => {
    execFile(join(ROOT, 'node_modules/.bin/buf'), words, (error: ExecFileException | null, stdout, stderr) => {
      // 100 is how buf ends that has found something.
      if (error !== null && error.code !== 100) reject(new Error(stderr, { cause: error }));
      else resolve(stdout.split('\n').filter((line) => line !== ''));
    });
  });
}

/** Replaces what must be there. */
const replaced = (from: string, to: string) => (text: string) => {
  if (!text.includes(from)) throw new Error(`node.proto does not say '${from}'`);
  return text.replace(from, to);
};

test('what the last release said still holds', async (t) => {
  t.deepEqual(await breakingAfter(t, (text) => text), []);
});

test('what is added breaks nothing', async (t) => {
  const added = '  // Another.\n  bool another_of_this_test = 900;\n  PowerState power_state = 9;';
  t.deepEqual(await breakingAfter(t, replaced('  PowerState power_state = 9;', added)), []);
});

test('a field that is renamed, has another type, or is deleted is found', async (t) => {
  const renamed = await breakingAfter(t, replaced('PowerState power_state = 9;', 'PowerState state = 9;'));
  t.true(renamed.some((line) => /Field "9" on message "Node" changed name from "power_state" to "state"/.test(line)));
  const [retyped = ''] = await breakingAfter(t, replaced('PowerState power_state = 9;', 'string power_state = 9;'));
  t.regex(retyped, /Field "9" with name "power_state"/);
  const [deleted = ''] = await breakingAfter(t, replaced('  string zone = 5;', ''));
  t.regex(deleted, /Previously present field "5" with name "zone"/);
});

test('the images are those of releases, and the newest is that of our version', (t) => {
  const names = readdirSync(join(ROOT, 'proto/released'));
  for (const name of names) t.regex(name, /^v\d+\.\d+\.\d+\.binpb$/);
  t.is(newestReleased(), `proto/released/v${VERSION}.binpb`);
  t.is(newestReleased(['v0.9.0.binpb', 'v0.10.0.binpb', 'v0.2.0.binpb']), 'proto/released/v0.10.0.binpb');
});

test('no release broke what the one before it said', async (t) => {
  const [before, ...later] = readdirSync(join(ROOT, 'proto/released')).sort(byVersion);
  let last = before;
  for (const name of later) {
    const [image, against] = [name, last].map((one) => join(ROOT, 'proto/released', one ?? ''));
    t.deepEqual(await breaking(image ?? '', against ?? ''), [], name);
    last = name;
  }
});
