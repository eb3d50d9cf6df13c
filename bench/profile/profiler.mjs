/**
 * Loaded into a conductor before it starts (`NODE_OPTIONS=--import`): its own profiler. SIGUSR2 begins; the next one ends, and writes the
 * profile to the file that PROFILE names, with the processor time of the main thread and what was logged meanwhile. The file PROFILE.begun says that it has begun.
 */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

const file = process.env.PROFILE;
const INTERVAL_US = 250;
const session = new Session();
let isBegun = false;
let [writes, bytes] = [0, 0];
let usedBefore = process.threadCpuUsage();

const write = process.stderr.write.bind(process.stderr);
process.stderr.write = (text, ...rest) => {
  writes += 1;
  bytes += text.length;
  return write(text, ...rest);
};

process.on('SIGUSR2', async () => {
  if (isBegun) {
    const { user, system } = process.threadCpuUsage(usedBefore);
    const { profile } = await session.post('Profiler.stop');
    writeFileSync(`${file}.part`, JSON.stringify({ profile, cpuUs: user + system, writes, bytes }));
    renameSync(`${file}.part`, file);
    return;
  }
  isBegun = true;
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  [writes, bytes] = [0, 0];
  usedBefore = process.threadCpuUsage();
  writeFileSync(`${file}.begun`, '');
});
