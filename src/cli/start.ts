/**
 * Where the bundle starts, as dist/main.js: outlives a hangup, switches V8's compile cache on, then loads the command. What is imported
 * statically here is compiled at each start, so this file imports little.
 */
import { enableCompileCache } from 'node:module';
import { dirname } from 'node:path';
import { compileCacheFolder } from './compile_cache.ts';
import { outliveHangup } from './early_hangup.ts';

outliveHangup(process.argv.slice(2), process);
const folder = compileCacheFolder(dirname(import.meta.dirname), process.env);
if (folder !== null) enableCompileCache(folder);
await import('./main.ts');
