/**
 * Where the bundle starts, as dist/main.js: outlives a hangup, then loads the command from its chunks. What is imported here is compiled at each
 * start, so this file imports little.
 */
import { openChunks } from './bundle/chunks.ts';
import { compileCacheFolder } from './bundle/compile_cache.ts';
import { outliveHangup } from './early_hangup.ts';

/** The chunk of main.ts; scripts/build.ts puts its name here. */
declare const MAIN_CHUNK: string;

outliveHangup(process.argv.slice(2), process);
const chunks = openChunks({
  path: compileCacheFolder(import.meta.dirname, process.env),
  chunks: import.meta.dirname,
  engine: JSON.stringify([process.version, process.arch, process.execArgv, process.env.NODE_OPTIONS]),
});
process.on('exit', (code) => {
  if (code === 0) chunks.keep();
});
const { main } = (await chunks.load(MAIN_CHUNK)) as typeof import('./main.ts');
await main(chunks.keep);
