/**
 * Loaded into a conductor before it starts (`NODE_OPTIONS=--import`): how long its event loop was held up, counted in processor
 * time of its main thread, so that other processes on the computer do not count. Ten times a second it appends a line to the file
 * that LOOP_PROBE names: the longest hold-up since the line before, in milliseconds.
 */
import { appendFileSync } from 'node:fs';

const file = process.env.LOOP_PROBE;
const LOOK_MS = 10;
const LOOKS_PER_LINE = 10;
/** The first second is the start. */
const LOOKS_OF_THE_START = 100;
let longestMs = 0;
let last = process.threadCpuUsage();
let looks = 0;

const timer = setInterval(() => {
  const used = process.threadCpuUsage(last);
  last = process.threadCpuUsage();
  looks += 1;
  if (looks <= LOOKS_OF_THE_START) return;
  longestMs = Math.max(longestMs, (used.user + used.system) / 1000);
  if (looks % LOOKS_PER_LINE !== 0) return;
  try {
    if (file) appendFileSync(file, `${longestMs.toFixed(1)}\n`);
    longestMs = 0;
  } catch {
    // A storm may have taken the disk away: the line comes later.
  }
}, LOOK_MS);
timer.unref();
