/**
 * The Debian package: what `npm pack` packs, with a Node of its own beside it, systemd units, configuration, man pages and
 * completions. The pages, completions and configuration files are printed from the tables that the command itself uses.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { SCRIPTS } from '../../src/cli/completion/scripts.ts';
import { configurationOf } from './configuration.ts';
import { manPages } from './man.ts';

const run = promisify(execFile);

const PACKAGING = fileURLToPath(new URL('../../packaging/', import.meta.url));

/** What a package is made of. */
export interface DebianParts {
  /** The tarball of `npm pack`. */
  readonly tarball: string;
  /** As in package.json; a package is made for each. */
  readonly versions: readonly string[];
  /** The program of the Node that goes with it. */
  readonly node: string;
  /** Where the package is written, and what is put together on the way. */
  readonly folder: string;
  /** How dpkg-deb compresses it: `xz` is small, `none` is fast. */
  readonly compression: 'xz' | 'none';
}

/** Debian's names of our architectures. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** A version as Debian orders it: 1.0.0-rc.1 comes before 1.0.0. */
const debianVersion = (version: string): string => version.replace('-', '~');

const CONFFILES = [
  '/etc/countermand/agent.yaml',
  '/etc/countermand/countermand.yaml',
  '/etc/default/countermand-agent',
];

const COPYRIGHT = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: countermand

Files: *
Copyright: 2026 The Countermand authors
License: Apache-2.0
 On Debian systems, the text is in /usr/share/common-licenses/Apache-2.0.

Files: usr/lib/countermand/dist/*
Copyright: the authors of the packages that the bundle contains
License: several
 See /usr/lib/countermand/dist/NOTICES.txt.

Files: usr/lib/countermand/runtime/*
Copyright: the authors of Node.js
License: several
 See /usr/share/doc/countermand/LICENSE.node.
`;

/** Makes the package in each of these versions, and answers their paths. */
export async function buildDebian({ tarball, versions, node, folder, compression }: DebianParts): Promise<string[]> {
  const architecture = ARCHITECTURES[process.arch];
  if (process.platform !== 'linux' || architecture === undefined)
    throw new Error(`there is no Debian package for ${process.platform} on ${process.arch}`);
  const root = join(folder, 'root');
  await rm(root, { recursive: true, force: true });
  await placeProgram(root, tarball, node);
  await placeDocuments(root, node);
  await placeConfiguration(root);
  const contents = await contentsOf(root);
  // The higher levels of xz take minutes for a tenth less.
  const level = compression === 'xz' ? ['-z1'] : [];
  const paths: string[] = [];
  for (const version of versions.map(debianVersion)) {
    await placeControl(root, version, architecture, contents);
    const path = join(folder, `countermand_${version}_${architecture}.deb`);
    await run('dpkg-deb', ['--root-owner-group', `-Z${compression}`, ...level, '--build', root, path]);
    paths.push(path);
  }
  await rm(root, { recursive: true });
  return paths;
}

/** Writes a file below the root of the package, readable for all. */
async function place(root: string, path: string, contents: string | Buffer, mode = 0o644): Promise<void> {
  const to = join(root, path);
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  await writeFile(to, contents);
  await chmod(to, mode);
}

/** The program, without what other architectures need. */
async function placeProgram(root: string, tarball: string, node: string): Promise<void> {
  const lib = join(root, 'usr/lib/countermand');
  await mkdir(join(lib, 'runtime'), { recursive: true, mode: 0o755 });
  const parts = ['bin', 'dist', 'proto', 'package.json'].map((part) => `package/${part}`);
  await run('tar', ['-xzf', tarball, '-C', lib, '--strip-components=1', ...parts]);
  const prebuilds = join(lib, 'dist/prebuilds');
  for (const name of await readdir(prebuilds))
    if (name !== `linux-${process.arch}.node`) await rm(join(prebuilds, name));
  await copyFile(node, join(lib, 'runtime/node'));
  await chmod(join(lib, 'runtime/node'), 0o755);
  await mkdir(join(root, 'usr/bin'), { recursive: true, mode: 0o755 });
  await symlink('../lib/countermand/bin/countermand', join(root, 'usr/bin/countermand'));
}

const zipped = (text: string | Buffer): Buffer => gzipSync(text, { level: 9 });

/** Documents, man pages and completions, where the programs that show them look. */
async function placeDocuments(root: string, node: string): Promise<void> {
  const top = join(PACKAGING, '..');
  const documents = 'usr/share/doc/countermand';
  await place(root, `${documents}/copyright`, COPYRIGHT);
  await place(root, `${documents}/NOTICE`, await readFile(join(top, 'NOTICE')));
  await place(root, `${documents}/changelog.gz`, zipped(await readFile(join(top, 'CHANGELOG.md'))));
  await place(root, `${documents}/LICENSE.node`, await readFile(await licenceOfNode(node)));
  for (const name of await readdir(join(top, 'docs'), { recursive: true }))
    if (name.endsWith('.md')) await place(root, `${documents}/${name}`, await readFile(join(top, 'docs', name)));
  for (const [name, text] of await manPages())
    await place(root, `usr/share/man/man${name.at(-1)}/${name}.gz`, zipped(text));
  await place(root, 'usr/share/bash-completion/completions/countermand', SCRIPTS.bash);
  await place(root, 'usr/share/zsh/vendor-completions/_countermand', SCRIPTS.zsh);
  await place(root, 'usr/share/fish/vendor_completions.d/countermand.fish', SCRIPTS.fish);
}

/** The licence beside a program of Node, as its packages have it. */
async function licenceOfNode(node: string): Promise<string> {
  const places = [join(dirname(node), '../LICENSE'), join(dirname(node), '../share/doc/node/LICENSE')];
  for (const path of places) if (await stat(path).catch(() => null)) return path;
  throw new Error(`the licence of Node is not beside ${node}; run this with the Node that 'npm ci' brings`);
}

async function placeConfiguration(root: string): Promise<void> {
  await place(root, 'etc/countermand/countermand.yaml', configurationOf('conductor'));
  await place(root, 'etc/countermand/agent.yaml', configurationOf('agent'));
  await place(root, 'etc/default/countermand-agent', await readFile(join(PACKAGING, 'countermand-agent.default')));
  for (const unit of ['countermand.service', 'countermand-agent.service'])
    await place(root, `usr/lib/systemd/system/${unit}`, await readFile(join(PACKAGING, unit)));
}

/** What dpkg knows of the contents of the package. */
interface Contents {
  readonly kilobytes: number;
  readonly sums: string;
}

async function contentsOf(root: string): Promise<Contents> {
  const files = await filesBelow(root);
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  const bytes = sizes.reduce((total, size) => total + size, 0);
  const summed = files.filter((path) => !path.startsWith(join(root, 'etc/')));
  const sums = await Promise.all(
    summed.map(async (path) => `${md5Of(await readFile(path))}  ${relative(root, path)}\n`),
  );
  return { kilobytes: Math.ceil(bytes / 1024), sums: sums.join('') };
}

/** What dpkg knows of the package: its name, its scripts, its sums. */
async function placeControl(
  root: string,
  version: string,
  architecture: string,
  { kilobytes, sums }: Contents,
): Promise<void> {
  const control = `Package: countermand
Version: ${version}
Architecture: ${architecture}
Maintainer: The Countermand authors <countermand@localhost>
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 8), passwd, init-system-helpers (>= 1.50)
Suggests: ipmitool
Section: admin
Priority: optional
Description: bare-metal conductor whose orders can be taken back
 Countermand changes the power state of servers through their BMCs and runs
 action plans over a fleet. Every order is durable, can be watched, and can be
 aborted, cancelled or rolled back while it is under way.
 .
 The package brings its own Node.js, and a service of systemd.
`;
  await place(root, 'DEBIAN/control', control);
  await place(root, 'DEBIAN/conffiles', CONFFILES.map((path) => `${path}\n`).join(''));
  await place(root, 'DEBIAN/md5sums', sums);
  for (const name of await readdir(join(PACKAGING, 'debian')))
    await place(root, `DEBIAN/${basename(name)}`, await readFile(join(PACKAGING, 'debian', name)), 0o755);
}

const md5Of = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/** The paths of the files below a folder; links are none. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
