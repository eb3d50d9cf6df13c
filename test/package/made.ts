/** What the tests of packages share in one process: the bundle of our sources, and the tarball that npm makes. Each is made once. */
import { rm } from 'node:fs/promises';
import test from 'ava';
import { type Bundle, bundle } from '../../scripts/build.ts';
import { pack, type Tarball } from '../../scripts/package/pack.ts';
import { makeFolder } from '../counterparts/folder.ts';

let bundled: Promise<Bundle> | null = null;

/** The bundle of our own sources. */
export function ourBundle(): Promise<Bundle> {
  bundled ??= bundle();
  return bundled;
}

/** A tarball, and the folder that it lies in. */
export interface Packed {
  readonly folder: string;
  readonly tarball: Tarball;
}

async function packAside(): Promise<Packed> {
  const folder = await makeFolder();
  return { folder, tarball: await pack(folder) };
}

let packed: Promise<Packed> | null = null;

/** What `npm pack` makes of the checkout, gone after the last test. Call this once, at the top of the file. */
export function sharedTarball(): () => Promise<Packed> {
  test.after.always(async () => {
    const made = await packed?.catch(() => null);
    if (made) await rm(made.folder, { recursive: true, force: true });
  });
  return () => {
    packed ??= packAside();
    return packed;
  };
}
