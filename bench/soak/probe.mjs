/**
 * Loaded into a conductor before it starts (`NODE_OPTIONS=--import`): what it holds. Every SOAK_LINE_MS it appends a line
 * of JSON to the file that SOAK_PROBE names: the delay of the event loop since the line before (p99 and longest, in milliseconds), the
 * processors in use, the open files, and, after a full collection, the heap in use and the resident memory in MB. Without the
 * collection a short run would tell of garbage; it is left out of the delay.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const file = process.env.SOAK_PROBE;
const MB = 2 ** 20;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');
const delay = monitorEventLoopDelay({ resolution: 10 });
delay.enable();
let begun = performance.now();
let usedBefore = process.cpuUsage();

const timer = setInterval(() => {
  delay.disable();
  const used = process.cpuUsage(usedBefore);
  const rest = {
    delayMs: delay.percentile(99) / 1e6,
    longestMs: delay.max / 1e6,
    cpu: (used.user + used.system) / 1000 / (performance.now() - begun),
    files: readdirSync('/proc/self/fd').length,
  };
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  if (file) appendFileSync(file, `${JSON.stringify({ rssMb: rss / MB, heapMb: heapUsed / MB, ...rest })}\n`);
  begun = performance.now();
  usedBefore = process.cpuUsage();
  delay.reset();
  delay.enable();
}, Number(process.env.SOAK_LINE_MS));
timer.unref();
