/** dist/NOTICES.txt has the licence of each package that the bundle contains. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { noticesOf } from '../../scripts/build/notices.ts';
import { newFolder } from '../counterparts/folder.ts';
import { ROOT } from '../tidy/sources.ts';
import { ourBundle } from './made.ts';

test('each package of the bundle is named with its version and the text of its licence', async (t) => {
  const { outputs, inputs } = await ourBundle();
  const notices = outputs.get('NOTICES.txt') ?? '';
  const folders = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  t.true(folders.size > 50);
  for (const one of ['better-sqlite3', 'net-snmp', '@grpc/grpc-js', 'asn1-ber'])
    t.true(folders.has(`node_modules/${one}`), one);
  for (const path of folders) {
    const folder = join(ROOT, path);
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    t.true(notices.includes(`\n${name} ${version} (`), name);
    const file = readdirSync(folder).find((found) => /^licen[cs]e(\.\w+)?$/i.test(found));
    if (file !== undefined) t.true(notices.includes(readFileSync(join(folder, file), 'utf8').trim()), name);
  }
});

test('the licences of files of others are where the notices say', async (t) => {
  const { found } = await ourBundle();
  const [trees = ''] = found.flatMap(({ from, to }) => (to === 'files/sim/redfish/trees' ? [from] : []));
  for (const name of ['libredfish-MIT.txt', 'csm-rie-BSD-3-Clause.txt']) t.true(existsSync(join(trees, name)), name);
});

/** The notices of a bundle with one package, which says this of itself. */
async function noticesWith(t: ExecutionContext, manifest: object, licence?: string): Promise<string> {
  const root = await newFolder(t);
  const folder = join(root, 'node_modules/left');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'left', version: '1.2.3', ...manifest }));
  if (licence !== undefined) await writeFile(join(folder, 'LICENCE'), licence);
  return noticesOf(root, ['src/cli/main.ts', 'node_modules/left/index.js', 'node_modules/left/other.js']);
}

test('a package without a licence file has the standard text of its licence', async (t) => {
  t.regex(
    await noticesWith(t, { license: 'MIT', author: { name: 'A. Left' } }),
    /left 1\.2\.3 \(MIT\)\n\nCopyright A\. Left\n\nPermission is hereby granted/,
  );
  t.regex(
    await noticesWith(t, { license: '(MIT AND Apache-2.0)' }),
    /the authors of left[\s\S]*Apache-2\.0: see LICENSE/,
  );
  t.regex(await noticesWith(t, { license: 'ISC' }, 'Use it.'), /left 1\.2\.3 \(ISC\)\n\nUse it\.\n$/);
});

test('a package whose licence is not accepted, or that has none, is refused', async (t) => {
  const refused = /^left has the licence '.*', which scripts\/build\/notices\.ts does not accept$/;
  await t.throwsAsync(noticesWith(t, { license: 'GPL-3.0-only' }, 'Copyleft.'), { message: refused });
  await t.throwsAsync(noticesWith(t, { license: '(MIT AND AGPL-3.0)' }), { message: refused });
  await t.throwsAsync(noticesWith(t, {}), { message: refused });
});
