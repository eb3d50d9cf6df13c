/** Files with the code that V8 has compiled: one for each part of the bundle that is loaded on demand, with what it brings. */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Script } from 'node:vm';
import { crc32 } from 'node:zlib';

/** Where such files are kept, and whose code they have. */
export interface CodeFolder {
  /** The folder; null: nothing is kept. */
  readonly path: string | null;
  /** The folder with the chunks. */
  readonly chunks: string;
  /** What else decides whether V8 can use the code: its version and its flags. */
  readonly engine: string;
}

/** What stands at the beginning of a file: the checksum of all that follows, and the length of the index. */
const HEAD_BYTES = 8;

/** Codes begin at a multiple of it, or V8 copies them before it reads them. */
const ALIGNED_BYTES = 16;

/** The code of each chunk, in the order of the index: the checksum of its text, and how many bytes of code it has. */
type Index = Record<string, readonly [crcOfText: number, bytes: number]>;

/** Code that a file has for a text. */
interface Found {
  readonly crcOfText: number;
  readonly code: Buffer;
}

/** A text that V8 has compiled, at least in part. */
interface Compiled {
  readonly crcOfText: number;
  readonly script: Script;
}

/** The first place from `place` on at which code may begin. */
const aligned = (place: number): number => Math.ceil(place / ALIGNED_BYTES) * ALIGNED_BYTES;

const hex = (text: string): string => crc32(text).toString(16).padStart(8, '0');

/** One file with the code of a part and of the chunks that it brings. Whatever is wrong with a file, its chunks are compiled anew. */
export class CompiledCode {
  readonly #folder: CodeFolder;
  /** The end of the names of our files: another installation, another version of Node and other flags have another one. */
  readonly #ending: string;
  readonly #path: string | null;
  readonly #found: ReadonlyMap<string, Found>;
  readonly #scripts = new Map<string, Compiled>();
  #isMissing = false;

  /** @param part the name of the chunk that is loaded on demand */
  constructor(part: string, folder: CodeFolder) {
    this.#folder = folder;
    this.#ending = `.${hex(folder.chunks)}`;
    this.#path = folder.path && join(folder.path, `${part}.${hex(folder.engine)}${this.#ending}`);
    this.#found = this.#path === null ? new Map() : read(this.#path);
  }

  /** What `compile` makes of a text, with the code that is kept for it. */
  compile(chunk: string, text: Buffer, compile: (code: Buffer | undefined) => Script): Script {
    const crcOfText = crc32(text);
    const found = this.#found.get(chunk);
    const script = compile(found?.crcOfText === crcOfText ? found.code : undefined);
    // Without code that is kept it is undefined.
    if (script.cachedDataRejected !== false) this.#isMissing = true;
    this.#scripts.set(chunk, { crcOfText, script });
    return script;
  }

  /** Writes the file if code was missing: all functions that have run until now are in it. What cannot be written is not kept. */
  keep(): void {
    if (!this.#isMissing || this.#path === null) return;
    this.#isMissing = false;
    const unfinished = `${this.#path}.${process.pid}`;
    try {
      this.#removeOld();
      writeFileSync(unfinished, bytesOf(this.#scripts), { mode: 0o600 });
      renameSync(unfinished, this.#path);
    } catch {
      remove(unfinished);
    }
  }

  /** Removes what was kept for chunks of earlier builds of this installation. */
  #removeOld(): void {
    const { path, chunks } = this.#folder;
    for (const name of path === null ? [] : readdirSync(path)) {
      const [, part = ''] = /^(.+)\.[0-9a-f]{8}\.[0-9a-f]{8}$/.exec(name) ?? [];
      if (path !== null && name.endsWith(this.#ending) && !existsSync(join(chunks, part))) rmSync(join(path, name));
    }
  }
}

/** Removes a file, unless the system refuses that as well. */
function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {}
}

/** What a file has, by the names of the chunks; nothing if there is no file, or it is damaged. */
function read(path: string): Map<string, Found> {
  const found = new Map<string, Found>();
  try {
    const file = readFileSync(path);
    if (file.readUInt32LE(0) !== crc32(file.subarray(4))) return found;
    let end = HEAD_BYTES + file.readUInt32LE(4);
    const index: Index = JSON.parse(file.toString('latin1', HEAD_BYTES, end));
    for (const [chunk, [crcOfText, bytes]] of Object.entries(index)) {
      const begin = aligned(end);
      end = begin + bytes;
      found.set(chunk, { crcOfText, code: file.subarray(begin, end) });
    }
  } catch {
    found.clear();
  }
  return found;
}

/** What a file with the code of these scripts has in it. */
function bytesOf(scripts: ReadonlyMap<string, Compiled>): Buffer {
  const index: Index = {};
  const codes: Buffer[] = [];
  for (const [chunk, { crcOfText, script }] of scripts) {
    const code = script.createCachedData();
    index[chunk] = [crcOfText, code.length];
    codes.push(code);
  }
  const indexBytes = Buffer.from(JSON.stringify(index), 'latin1');
  const parts: Buffer[] = [Buffer.alloc(HEAD_BYTES), indexBytes];
  let end = HEAD_BYTES + indexBytes.length;
  for (const code of codes) {
    const begin = aligned(end);
    parts.push(Buffer.alloc(begin - end), code);
    end = begin + code.length;
  }
  const file = Buffer.concat(parts);
  file.writeUInt32LE(indexBytes.length, 4);
  file.writeUInt32LE(crc32(file.subarray(4)), 0);
  return file;
}
