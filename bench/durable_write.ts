/** The peer of all that is committed: a bare write to the same disk, which is safe when it is done. */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Row, timed } from './figures.ts';

const WRITES = 100;
/** About what one commit of ours adds to the log of the database. */
const BYTES = 12 * 1024;

/** Its times. */
export async function durableWrite(): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'countermand-bench-'));
  const file = await open(join(folder, 'log'), 'w');
  const times: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    times.push(
      await timed(async () => {
        await file.write(Buffer.alloc(BYTES), 0, BYTES, write * BYTES);
        await file.datasync();
      }),
    );
  }
  await file.close();
  await rm(folder, { recursive: true });
  return { what: 'peer: one durable write to the same disk', times };
}
