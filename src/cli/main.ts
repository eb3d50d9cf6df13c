/** The entry of the `countermand` command: the one place that knows the process it runs in. */
import { systemChance } from '../core/chance.ts';
import { systemClock } from '../core/clock.ts';
import { fail } from '../core/errors.ts';
import { openScope } from '../core/signals.ts';
import { runCommandLine } from './program.ts';

const { signal, abort } = openScope([]);
// Only the first one is caught, so that a second Ctrl-C ends the process whatever it does.
for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => abort(fail('CALL_ENDED', 'stopped')));

const { stdin, stdout, stderr } = process;
// Whoever read our output has gone (`countermand events | head`): a quiet end.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
}

const terminal = { environment: process.env, stdin, stdout, stderr, clock: systemClock, chance: systemChance, signal };
process.exitCode = await runCommandLine(process.argv.slice(2), terminal);
