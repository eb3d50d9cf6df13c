/** Where the code that V8 has compiled is kept. */
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compileCacheFolder } from '../../../src/cli/bundle/compile_cache.ts';
import { newFolder } from '../../counterparts/folder.ts';

test('in a checkout, below its node_modules', async (t) => {
  const root = await newFolder(t);
  mkdirSync(join(root, 'src'));
  t.is(compileCacheFolder(join(root, 'dist'), { HOME: '/nonexistent' }), join(root, 'node_modules/.cache/countermand'));
});

test('when installed, where XDG says, and only the user can write there', async (t) => {
  const home = await newFolder(t);
  t.is(compileCacheFolder('/nonexistent/dist', { HOME: home }), join(home, '.cache/countermand'));
  const XDG_CACHE_HOME = join(home, 'xdg');
  const folder = compileCacheFolder('/nonexistent/dist', { HOME: home, XDG_CACHE_HOME });
  t.is(folder, join(XDG_CACHE_HOME, 'countermand'));
  t.is(statSync(folder ?? '').mode & 0o777, 0o700);
  // XDG: a path that is not absolute must be ignored.
  t.is(
    compileCacheFolder('/nonexistent/dist', { HOME: home, XDG_CACHE_HOME: 'xdg' }),
    join(home, '.cache/countermand'),
  );
});

test('nowhere, if Node is told so', async (t) => {
  const home = await newFolder(t);
  t.is(compileCacheFolder('/nonexistent/dist', { HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' }), null);
});

test('nowhere, if it cannot be made', async (t) => {
  const file = join(await newFolder(t), 'file');
  writeFileSync(file, '');
  t.is(compileCacheFolder('/nonexistent/dist', { HOME: file }), null);
  t.is(compileCacheFolder('/nonexistent/dist', {}), null);
});

test('not where other users can write: what is kept there is run', async (t) => {
  const home = await newFolder(t);
  const folder = join(home, '.cache/countermand');
  mkdirSync(folder, { recursive: true });
  for (const mode of [0o777, 0o720, 0o702]) {
    chmodSync(folder, mode);
    t.is(compileCacheFolder('/nonexistent/dist', { HOME: home }), null);
  }
  t.true(existsSync(folder));
});
