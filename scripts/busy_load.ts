/** One process of load for busy.ts: computes or writes until its parent is gone. */
import { fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [kind, parent] = process.argv.slice(2);
/** Enough turns to look rarely whether the parent still lives. */
const TURNS = 10_000_000;
const BLOCK = Buffer.alloc(64 * 1024, 1);

function burn(): void {
  let turn = 0;
  while (turn < TURNS) turn += 1;
}

/** A file without a name: it is gone when this process is. */
function openUnnamed(): number {
  const folder = mkdtempSync(join(tmpdir(), 'countermand-busy-'));
  const file = openSync(join(folder, 'block'), 'w');
  rmSync(folder, { recursive: true });
  return file;
}

function writer(): () => void {
  const file = openUnnamed();
  return () => {
    writeSync(file, BLOCK, 0, BLOCK.length, 0);
    fsyncSync(file);
  };
}

const work = kind === 'fsync' ? writer() : burn;
while (process.ppid === Number(parent)) work();
