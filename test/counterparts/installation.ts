/** The certificates of an installation as files, as `countermand certificates init` writes them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { type Installation, type InstallationParts, makeInstallation } from '../../src/cli/certificates/make.ts';
import { newFolder } from './folder.ts';

/** The files of one installation, and what is in them. */
export interface InstallationFiles {
  readonly made: Installation;
  /** The path of `ca.pem`, `server.key` and the like. */
  file(name: string): string;
}

/** Good on every day on which a test runs. */
export const ALWAYS = { from: Date.UTC(2020, 0, 1), days: 9000 };

/** Makes one, good always unless `parts` says otherwise, and writes its files. */
export async function newInstallation(
  t: ExecutionContext,
  parts: Partial<InstallationParts> & Pick<InstallationParts, 'hosts'>,
): Promise<InstallationFiles> {
  const folder = await newFolder(t);
  const file = (name: string): string => join(folder, name);
  const made = await makeInstallation({ client: 'alice', ...ALWAYS, ...parts });
  await writeInstallation(made, file);
  return { made, file };
}

/** Writes the files, over those that are there. */
export async function writeInstallation(made: Installation, file: (name: string) => string): Promise<void> {
  for (const [name, { certificate, key }] of Object.entries(made)) {
    await writeFile(file(`${name}.pem`), certificate);
    await writeFile(file(`${name}.key`), key);
  }
}
