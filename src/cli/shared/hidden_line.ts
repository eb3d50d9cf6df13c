/** A line that a person types and that is shown nowhere: a password. */
import { fail } from '../../core/errors.ts';
import { abortable } from '../../core/signals.ts';
import type { Terminal } from './terminal.ts';

const ENTER = ['\r', '\n'];
const RUBOUT = ['\x7f', '\b'];
const INTERRUPT = '\x03';
const END = '\x04';
const ERASE_LINE = '\x15';
/** Longer lines are not typed. */
const LENGTH_LIMIT = 4096;

/**
 * Asks for a line at the terminal, without echo.
 * @throws ARGUMENT_INVALID if there is no terminal, saying `otherwise`; CALL_ENDED on the abort, at Ctrl-C and Ctrl-D
 */
export async function askHidden(what: string, otherwise: string, terminal: HiddenTerminal): Promise<string> {
  const { stdin, signal, showPerson } = terminal;
  if (!stdin.isTTY || !showPerson(`${what}: `))
    throw fail('ARGUMENT_INVALID', `there is no terminal to ask for ${what} on; ${otherwise}`);
  stdin.setRawMode?.(true);
  try {
    return await readKeys(stdin, signal);
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
    showPerson('\n');
  }
}

type HiddenTerminal = Pick<Terminal, 'stdin' | 'signal' | 'showPerson'>;

function readKeys(stdin: Terminal['stdin'], signal: AbortSignal): Promise<string> {
  let line: string[] = [];
  return abortable<string>((resolve, reject) => {
    const onKeys = (keys: Buffer): void => {
      // A paste may end with Enter, and with more lines behind it, which are for the next question.
      const text = [...keys.toString('utf8')];
      for (const [at, key] of text.entries()) {
        if (ENTER.includes(key)) {
          stdin.off('data', onKeys);
          const rest = text.slice(at + 1).join('');
          if (rest !== '') stdin.unshift(Buffer.from(rest));
          resolve(line.join(''));
          return;
        }
        if (key === INTERRUPT || key === END) {
          reject(fail('CALL_ENDED', 'stopped; nothing was sent'));
          return;
        }
        if (RUBOUT.includes(key)) line = line.slice(0, -1);
        else if (key === ERASE_LINE) line = [];
        else if (key >= ' ' && line.length < LENGTH_LIMIT) line.push(key);
      }
    };
    stdin.on('data', onKeys).resume();
    return () => stdin.off('data', onKeys);
  }, signal);
}
