/** C to be compiled where it is used: a module for ipmi_sim, and the meter. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fail } from '../../src/core/errors.ts';

const run = promisify(execFile);

/** What is compiled, and how. */
const PARTS = {
  chassis_module: ['-fPIC', '-shared'],
  meter: [],
} as const satisfies Record<string, readonly string[]>;

/**
 * Compiles a part into `folder` and resolves with the path of the result.
 * @throws COMMAND_MISSING if the compiler or its headers are not there
 */
export async function compile(part: keyof typeof PARTS, folder: string): Promise<string> {
  const source = fileURLToPath(new URL(`./${part}.c`, import.meta.url));
  const result = join(folder, part);
  try {
    await run('gcc', ['-O2', '-Wall', ...PARTS[part], '-o', result, source]);
  } catch (error) {
    const advice = 'scripts/install-bench-peers.sh installs what it needs';
    throw fail('COMMAND_MISSING', `${part}.c cannot be compiled; ${advice}: ${(error as Error).message}`, error);
  }
  return result;
}
