/**
 * Loaded into a conductor before it starts: how long its event loop was held up at most, counted in processor time of its main
 * thread, so that other processes on the machine do not count. Written to the file that LOOP_PROBE names, each second.
 */
import { writeFileSync } from 'node:fs';

const file = process.env.LOOP_PROBE;
const LOOK_MS = 10;
let longestMs = 0;
let last = process.threadCpuUsage();
let looks = 0;

const timer = setInterval(() => {
  const used = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  looks += 1;
  // The first second is the start.
  if (looks > 100) longestMs = Math.max(longestMs, (used.user + used.system) / 1000);
  if (file && looks % 100 === 0) writeFileSync(file, String(longestMs));
}, LOOK_MS);
timer.unref();
