/**
 * What a profile says of parts of the product. A sample counts for the part whose code it was in, or whose code had called what it
 * was in. The times of writes that are only timed are not those of the metrics.
 */
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** A node of a profile of V8: a function, in the place from which it was called. */
interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  readonly children?: readonly number[];
}

/** A profile of V8. */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** In microseconds, one for each sample. */
  readonly timeDeltas: readonly number[];
}

/** The parts that are told apart. */
export type Part = 'log' | 'metrics' | 'access' | 'trail';

/** Which source the lines of a bundled file come from, as esbuild says in comments. */
export type Sources = ReadonlyMap<string, readonly (readonly [line: number, source: string])[]>;

/** Reads where the code of a bundle comes from. */
export async function readSources(folder: string): Promise<Sources> {
  const files = (await readdir(folder)).filter((name) => /\.c?js$/.test(name));
  const read = files.map(async (name) => {
    const lines = (await readFile(join(folder, name), 'utf8')).split('\n');
    const begins = lines.flatMap((text, line) => {
      const source = /^\s*\/\/ ((?:src|node_modules)\/\S+)$/.exec(text)?.[1];
      return source === undefined ? [] : [[line, source] as const];
    });
    return [name, begins] as const;
  });
  return new Map(await Promise.all(read));
}

/** Where a function was written; '' if it is of Node itself. */
function sourceOf({ url, lineNumber }: ProfileNode['callFrame'], sources: Sources): string {
  return sources.get(basename(url))?.findLast(([line]) => line <= lineNumber)?.[1] ?? '';
}

/** Packages that belong to a part: what they do, they do for it. */
const PACKAGES: readonly (readonly [package_: RegExp, part: Part])[] = [
  [/^node_modules\/(pino|sonic-boom|safe-stable-stringify|quick-format-unescaped|atomic-sleep)\b/, 'log'],
  [/^node_modules\/(prom-client|tdigest|bintrees)\b/, 'metrics'],
  [/^node_modules\/(jose|bcryptjs)\b/, 'access'],
];

/** Files that belong to a part. */
const FILES: readonly (readonly [file: RegExp, part: Part])[] = [
  [/^src\/(server\/(events\/logged|log)|cli\/daemon\/log\w*)\.ts/, 'log'],
  [/^src\/server\/(metrics\/|api\/counted\.ts)/, 'metrics'],
  [/^src\/server\/access\//, 'access'],
  [
    /^src\/server\/api\/(identified|authorize|admit|view|veil|denied|rpc_verbs|step_verbs|identity_limits|grpc_tls)\.ts/,
    'access',
  ],
  [/^src\/server\/api\/trail(_entry)?\.ts|^src\/server\/store\/trail\.ts/, 'trail'],
];

/** It passes writes on: what these call is not its own. */
const PASSING = /^src\/server\/metrics\/database\.ts/;

/** What is used by all parts belongs to whoever called it. */
const COMMON = /^src\/(core|gen)\//;

const find = <T>(table: readonly (readonly [RegExp, T])[], text: string): T | undefined =>
  table.find(([pattern]) => pattern.test(text))?.[1];

/** What a sample counts for: a part, and the function of it. */
interface Owner {
  readonly part: Part;
  readonly name: string;
}

/** @param path the functions from the one that ran to the one that was called first */
function ownerOf(path: readonly { readonly name: string; readonly source: string }[]): Owner | null {
  let isOwn = true;
  for (const { name, source } of path) {
    const owner = (part: Part): Owner => ({ part, name: `${name || '(anonymous)'} of ${source}` });
    const ofPackage = find(PACKAGES, source);
    if (ofPackage !== undefined) return owner(ofPackage);
    if (!source.startsWith('src/') || COMMON.test(source)) continue;
    const part = find(FILES, source);
    if (part !== undefined && (isOwn || !PASSING.test(source))) return owner(part);
    isOwn = false;
  }
  return null;
}

/** What a profile has found, as shares of the time in which something ran. The collection of garbage counts for all in proportion. */
export interface Shares {
  readonly parts: Readonly<Record<Part, number>>;
  /** The functions that took most of each part, with all that they called outside of it. */
  readonly largest: Readonly<Record<Part, readonly (readonly [name: string, share: number])[]>>;
}

/** A sample stands for no longer than this, in microseconds: what is more, another process had the processor. */
const LONGEST_US = 1000;
/** How many functions are told. */
const TOLD = 5;

/** Adds up the time of each part. */
export function sharesOf({ nodes, samples, timeDeltas }: Profile, sources: Sources): Shares {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const callers = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const selfOf = new Map<number, number>();
  samples.forEach((id, at) => {
    selfOf.set(id, (selfOf.get(id) ?? 0) + Math.min(LONGEST_US, Math.max(0, timeDeltas[at] ?? 0)));
  });
  const parts: Record<Part, number> = { log: 0, metrics: 0, access: 0, trail: 0 };
  const functions = new Map<string, Owner & { us: number }>();
  let running = 0;
  for (const [id, us] of selfOf) {
    const { functionName } = (byId.get(id) as ProfileNode).callFrame;
    if (['(idle)', '(garbage collector)'].includes(functionName)) continue;
    running += us;
    const path: { readonly name: string; readonly source: string }[] = [];
    for (let at: number | undefined = id; at !== undefined; at = callers.get(at)) {
      const { callFrame } = byId.get(at) as ProfileNode;
      path.push({ name: callFrame.functionName, source: sourceOf(callFrame, sources) });
    }
    const owner = ownerOf(path);
    if (owner === null) continue;
    parts[owner.part] += us;
    const known = functions.get(`${owner.part} ${owner.name}`) ?? { ...owner, us: 0 };
    known.us += us;
    functions.set(`${owner.part} ${owner.name}`, known);
  }
  const each = <T>(value: (part: Part) => T) =>
    Object.fromEntries((Object.keys(parts) as Part[]).map((part) => [part, value(part)])) as Record<Part, T>;
  const largestOf = (wanted: Part) =>
    [...functions.values()]
      .filter(({ part }) => part === wanted)
      .sort((one, other) => other.us - one.us)
      .slice(0, TOLD)
      .map(({ name, us }) => [name, us / running] as const);
  return { parts: each((part) => parts[part] / running), largest: each(largestOf) };
}
