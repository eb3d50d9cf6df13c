/** dist/NOTICES.txt: the licences of all that the bundle contains. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences that may be passed on with ours. A package with another one is refused. */
const ACCEPTED: readonly string[] = [
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
];

const LICENCE_FILE = /^(licen[cs]e|copying|notice)/i;
const PACKAGE = /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+/;
const TEXTS = new URL('./licences/', import.meta.url);

/** Files of others in our own sources, with the place of their licence below dist/. */
const FILES = `Recordings of real BMCs (dist/files/sim/redfish/trees)
From NVIDIA/libredfish (MIT) and Cray-HPE/csm-redfish-interface-emulator (BSD-3-Clause). Their licences are beside them.

Health service (proto/grpc), details of errors (proto/google)
After grpc/grpc and googleapis/googleapis (Apache-2.0): see LICENSE.

SQLite (in dist/prebuilds)
In the public domain: https://sqlite.org/copyright.html`;

/** What package.json says of a package. */
interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
}

/** One package of the bundle. */
interface Bundled {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** The packages to which these files belong, by name. `inputs` are paths as esbuild names them, from `root`. */
function packagesOf(root: string, inputs: readonly string[]): Bundled[] {
  const folders = new Set(inputs.flatMap((path) => PACKAGE.exec(path)?.[0] ?? []));
  const packages = [...folders].map((path) => {
    const folder = join(root, path);
    return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest };
  });
  return packages.sort((one, other) => (titleOf(one.manifest) < titleOf(other.manifest) ? -1 : 1));
}

const titleOf = ({ name, version }: Manifest): string => `${name} ${version}`;

/** The licences in an SPDX expression; all of them have to be accepted. */
function licencesOf({ name, license = '' }: Manifest): string[] {
  const licences = license.replaceAll(/[()]/g, '').split(' AND ');
  const refused = licences.find((licence) => !ACCEPTED.includes(licence));
  if (refused === undefined) return licences;
  throw new Error(`${name} has the licence '${refused}', which scripts/build/notices.ts does not accept`);
}

/** The licence files of a package; if it has none, the standard texts of the licences that it names. */
function textOf({ folder, manifest }: Bundled): string {
  const files = readdirSync(folder).filter((name) => LICENCE_FILE.test(name));
  const texts = files.sort().map((name) => readFileSync(join(folder, name), 'utf8').trim());
  if (texts.length > 0) return texts.join('\n\n');
  const { author } = manifest;
  const holder = (typeof author === 'string' ? author : author?.name) ?? `the authors of ${manifest.name}`;
  const standard = licencesOf(manifest).map((licence) =>
    licence === 'Apache-2.0'
      ? 'Apache-2.0: see LICENSE.'
      : readFileSync(new URL(`${licence}.txt`, TEXTS), 'utf8').trim(),
  );
  return [`Copyright ${holder}`, ...standard].join('\n\n');
}

const RULE = '-'.repeat(80);

/**
 * The notices of the packages to which these files belong. Throws if one of them has a licence that is not accepted, or
 * none.
 */
export function noticesOf(root: string, inputs: readonly string[]): string {
  const packages = packagesOf(root, inputs);
  const parts = packages.map((found) => {
    const licences = licencesOf(found.manifest).join(' and ');
    return `${titleOf(found.manifest)} (${licences})\n\n${textOf(found)}`;
  });
  const head =
    'Countermand is licensed under the Apache License 2.0. The command in dist/ contains the packages below, and these files:';
  return `${[`${head}\n\n${FILES}`, ...parts].join(`\n\n${RULE}\n`)}\n`;
}
