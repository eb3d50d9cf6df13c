/**
 * Many test files in one process: a process costs a fifth of a second before its first test, and most files are done in
 * less. A file `test/grouped/NAME.test.ts` imports its members and nothing else; `npm test` and `npm run quick` run it in their
 * place (scripts/counting_ava.ts). Each member still runs alone: `npx ava test/core/power.test.ts`.
 * AVA loads this module into each test process, before its tests.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const TITLED_AVA = new URL('titled_ava.ts', import.meta.url).href;
const TESTS = new URL('../', import.meta.url).href;
const FOLDER = new URL('./', import.meta.url);

/** What `titled_ava.ts` reads from its URL: the name of the file that imports it; none if that is no test file, but one that declares tests for others. */
export const FILE_PARAMETER = 'file';
/** ... that its tests run one after the other, */
export const SERIAL_PARAMETER = 'serial';
/** ... or at most this number at once. */
export const SLOTS_PARAMETER = 'slots';

const SERIAL = `&${SERIAL_PARAMETER}`;
const SLOTS = (count: number): string => `&${SLOTS_PARAMETER}=${count}`;

/** How the tests of a group run, beside each other unless it is said here. */
const MODES: Readonly<Record<string, string>> = {
  worlds: SERIAL,
  plans: SERIAL,
  moments: SERIAL,
  patient: SERIAL,
  postgres: SERIAL,
  houses: SLOTS(4),
  callers: SLOTS(4),
  killed: SLOTS(4),
  processes: SLOTS(4),
  sockets: SLOTS(8),
  packages: SLOTS(4),
};

/** The groups by their names, each with the test files that it runs: `test/core/power.test.ts`. */
export function groups(): Map<string, string[]> {
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.test.ts'));
  return new Map(
    files.map((file) => {
      const text = readFileSync(new URL(file, FOLDER), 'utf8');
      const members = [...text.matchAll(/^import '\.\.\/(.+)';$/gm)].map(([, path]) => `test/${path}`);
      return [file.slice(0, -'.test.ts'.length), members];
    }),
  );
}

/** The test files that groups run. */
export const groupedFiles = (): string[] => [...groups().values()].flat();

/** True if the tests of a group run one after the other. */
export const isSerial = (group: string): boolean => MODES[group] === SERIAL;

/** What AVA calls in each test process, which runs one group, or a file that is in none. */
export default function titleGroups(): void {
  const members = new Set<string>();
  let group: string | null = null;
  const avaFor = (parent: string): string => {
    const name = members.has(parent) ? parent.slice(TESTS.length, -'.test.ts'.length).replaceAll('/', ' › ') : '';
    return `${TITLED_AVA}?${FILE_PARAMETER}=${encodeURIComponent(name)}${MODES[group ?? ''] ?? ''}`;
  };
  registerHooks({
    resolve(specifier, context, next) {
      const parent = context.parentURL ?? '';
      const isOurs = parent.startsWith(TESTS) && !parent.startsWith(TITLED_AVA);
      if (specifier === 'ava')
        return group !== null && isOurs ? { url: avaFor(parent), shortCircuit: true } : next(specifier, context);
      const resolved = next(specifier, context);
      if (parent.startsWith(FOLDER.href) && parent.endsWith('.test.ts')) {
        group = parent.slice(FOLDER.href.length, -'.test.ts'.length);
        members.add(resolved.url);
      }
      return resolved;
    },
  });
}

/** The path of this module, for AVA's `require`. */
export const HOOKS = fileURLToPath(import.meta.url);
