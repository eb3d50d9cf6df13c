/**
 * Runs the chunks of the bundle. Node's own compile cache keeps only what V8 compiles before a module runs, which is little: functions are
 * compiled when they are called. Here the code of all that has run is kept, so that a conductor starts in half of the time.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Script } from 'node:vm';
import { type CodeFolder, CompiledCode } from './compiled_code.ts';

/** Gets a chunk by its path, and a module of Node or native code by its name. */
type Require = (name: string) => unknown;

/** What a chunk is: a function, whose parameters scripts/build.ts writes. */
type Chunk = (
  exports: unknown,
  module: { exports: unknown },
  require: Require,
  folder: string,
  load: (path: string) => Promise<unknown>,
  url: string,
) => void;

/** The chunks of a bundle. */
export interface Chunks {
  /** Runs a chunk and those that it needs, each once. Resolves with what it exports. */
  load(path: string): Promise<unknown>;
  /** Keeps the code of the chunks that were loaded, for the next process. */
  keep(): void;
}

/** Reads files one after the other into the same memory: a page that a process touches for the first time costs more than to fill it. */
function openReader(): (path: string) => Buffer {
  let room = Buffer.alloc(0);
  return (path) => {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      if (size > room.length) room = Buffer.allocUnsafeSlow(size);
      let end = 0;
      for (let read = -1; read !== 0 && end < size; end += read) read = readSync(file, room, end, size - end, null);
      return room.subarray(0, end);
    } finally {
      closeSync(file);
    }
  };
}

/** Opens the chunks below `folder.chunks`. */
export function openChunks(folder: CodeFolder): Chunks {
  const textOf = openReader();
  const modules = new Map<string, { exports: unknown }>();
  const parts = new Map<string, CompiledCode>();

  const requireFrom = (from: string, part: CompiledCode): Require => {
    const native = (name: string): unknown => createRequire(from)(name);
    return (name) =>
      name.startsWith('./') ? run(name.slice(2), part) : (process.getBuiltinModule(name) ?? native(name));
  };

  const run = (path: string, part: CompiledCode): unknown => {
    const known = modules.get(path);
    if (known) return known.exports;
    const module = { exports: {} as unknown };
    modules.set(path, module);
    const filename = join(folder.chunks, path);
    const text = textOf(filename);
    const script = part.compile(path, text, (cachedData) => new Script(text.toString(), { filename, cachedData }));
    const chunk: Chunk = script.runInThisContext();
    const { href } = pathToFileURL(filename);
    chunk(module.exports, module, requireFrom(filename, part), dirname(filename), load, href);
    return module.exports;
  };

  const load = async (path: string): Promise<unknown> => {
    const name = path.slice(2);
    const part = parts.get(name) ?? new CompiledCode(name, folder);
    parts.set(name, part);
    return run(name, part);
  };

  return {
    load,
    keep: () => {
      for (const part of parts.values()) part.keep();
    },
  };
}
