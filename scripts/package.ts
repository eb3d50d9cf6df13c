/** `npm run package`: the tarball of npm and the Debian package, in build/. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildDebian } from './package/debian.ts';
import { pack } from './package/pack.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const folder = join(ROOT, 'build');
await mkdir(folder, { recursive: true });
const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
const { path: tarball } = await pack(folder);
await rm(join(folder, 'cache'), { recursive: true });
process.stdout.write(`${tarball}\n`);
const parts = { tarball, versions: [version], node: process.execPath, folder, compression: 'xz' } as const;
for (const path of await buildDebian(parts)) process.stdout.write(`${path}\n`);
