/** How the chunks of the bundle run, and what is kept of what V8 has compiled for them. */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Chunks, openChunks } from '../../../src/cli/bundle/chunks.ts';
import { newFolder } from '../../counterparts/folder.ts';

/** What scripts/build.ts puts around a chunk. */
const asChunk = (text: string): string =>
  `(function (exports, module, require, __dirname, __load, __url) { ${text}\n})`;

/** A bundle of three chunks: the first is loaded, loads the second on demand, and both have the third in common. */
const BUNDLE = {
  'first.cjs':
    'exports.sum = (a, b) => require("./common.cjs").add(a, b); exports.more = () => __load("./second.cjs");',
  'second.cjs': 'const { add } = require("./common.cjs"); exports.twice = (a) => add(a, a);',
  'common.cjs': 'globalThis.runs = (globalThis.runs ?? 0) + 1; exports.add = (a, b) => a + b;',
};

interface First {
  sum(a: number, b: number): number;
  more(): Promise<{ twice(a: number): number }>;
}

interface Installed {
  /** Where code is kept. */
  readonly path: string;
  /** The folder of the chunks. */
  readonly chunks: string;
  write(name: string, text: string): void;
  /** Opens the chunks as a new process would. */
  open(engine?: string): Chunks;
  /** The files that are kept, each with the number by which the disk knows it: a file that was written anew has another one. */
  kept(): Map<string, number>;
}

async function install(t: ExecutionContext): Promise<Installed> {
  const folder = await newFolder(t);
  const [path, chunks] = [join(folder, 'kept'), join(folder, 'dist')];
  for (const each of [path, chunks]) mkdirSync(each);
  const write = (name: string, text: string): void => writeFileSync(join(chunks, name), asChunk(text));
  for (const [name, text] of Object.entries(BUNDLE)) write(name, text);
  return {
    path,
    chunks,
    write,
    open: (engine = 'v24') => openChunks({ path, chunks, engine }),
    kept: () => new Map(readdirSync(path).map((name) => [name, statSync(join(path, name)).ino])),
  };
}

/** Uses all that a bundle has, then keeps its code. */
async function use(chunks: Chunks): Promise<readonly number[]> {
  const first = (await chunks.load('./first.cjs')) as First;
  const second = await first.more();
  const numbers = [first.sum(1, 2), second.twice(4)];
  chunks.keep();
  return numbers;
}

test('a chunk runs once, and gets modules of Node, other chunks, its folder and its URL', async (t) => {
  const { write, open, chunks } = await install(t);
  write('first.cjs', 'exports.all = [require("node:path").sep, require("./common.cjs").add(1, 1), __dirname, __url];');
  const { load } = open();
  const before = Reflect.get(globalThis, 'runs') ?? 0;
  t.deepEqual(await load('./first.cjs'), { all: ['/', 2, chunks, `file://${chunks}/first.cjs`] });
  t.is(await load('./first.cjs'), await load('./first.cjs'));
  await load('./common.cjs');
  t.is(Reflect.get(globalThis, 'runs'), before + 1);
  await t.throwsAsync(load('./none.cjs'), { code: 'ENOENT' });
});

test('each part that is loaded on demand has a file, which is written once', async (t) => {
  const { open, kept, path } = await install(t);
  t.deepEqual(await use(open()), [3, 8]);
  const first = kept();
  t.deepEqual(
    [...first.keys()].map((name) => name.split('.')[0]).sort(),
    ['first', 'second'],
    'the common chunk is kept with the part that brought it',
  );
  for (const name of first.keys()) t.is(statSync(join(path, name)).mode & 0o777, 0o600);
  t.deepEqual(await use(open()), [3, 8]);
  t.deepEqual(kept(), first);
  // Another version of Node, or other flags.
  t.deepEqual(await use(open('v25')), [3, 8]);
  t.is(kept().size, 4);
});

test('code is only used for the text that it was compiled from', async (t) => {
  const { open, kept, write } = await install(t);
  await use(open());
  const before = [...kept().values()];
  // As long as before: V8 looks at the length alone.
  write('common.cjs', BUNDLE['common.cjs'].replace('a + b', 'a * b'));
  t.deepEqual(await use(open()), [2, 16]);
  t.notDeepEqual([...kept().values()], before);
  t.deepEqual(await use(open()), [2, 16]);
});

for (const [how, damage] of [
  ['cut short', (file: Buffer) => file.subarray(0, file.length / 2)],
  ['empty', () => Buffer.alloc(0)],
  ['of zeros', (file: Buffer) => Buffer.alloc(file.length)],
  ['with another byte', (file: Buffer) => file.fill((file.at(-9) ?? 0) ^ 1, file.length - 9, file.length - 8)],
] as const)
  test(`a file that is ${how} is written anew`, async (t) => {
    const { open, kept, path } = await install(t);
    await use(open());
    const whole = kept();
    for (const name of whole.keys()) writeFileSync(join(path, name), damage(readFileSync(join(path, name))));
    t.deepEqual(await use(open()), [3, 8]);
    const anew = kept();
    t.deepEqual([...anew.keys()], [...whole.keys()]);
    t.notDeepEqual([...anew.values()], [...whole.values()]);
  });

test('what was kept for chunks of earlier builds is removed, and nothing else', async (t) => {
  const { open, kept, chunks, write, path } = await install(t);
  const elsewhere = await install(t);
  await use(open());
  await use(openChunks({ path, chunks: elsewhere.chunks, engine: 'v24' }));
  writeFileSync(join(path, 'of-a-user'), '');
  rmSync(join(chunks, 'second.cjs'));
  rmSync(join(elsewhere.chunks, 'second.cjs'));
  write('first.cjs', 'exports.sum = (a, b) => a + b; exports.more = async () => ({ twice: (a) => a + a });');
  t.deepEqual(await use(open()), [3, 8]);
  const names = [...kept().keys()].map((name) => name.split('.')[0]).sort();
  t.deepEqual(names, ['first', 'first', 'of-a-user', 'second'], 'the second of the other installation stays');
});

test('where nothing can be kept, all runs as ever', async (t) => {
  const { open, path, chunks, kept } = await install(t);
  t.deepEqual(await use(openChunks({ path: null, chunks, engine: 'v24' })), [3, 8]);
  t.is(kept().size, 0);
  rmSync(path, { recursive: true });
  t.deepEqual(await use(open()), [3, 8]);
  writeFileSync(path, '');
  t.deepEqual(await use(open()), [3, 8]);
});
