import test, { type ExecutionContext } from 'ava';
import { readTarget } from '../../../src/cli/shared/targets.ts';
import { CountermandError } from '../../../src/core/errors.ts';
import { TARGET_TABLE, TARGETS } from '../../../src/core/power.ts';

test('each target by each of its names, whatever the case and the joints', (t) => {
  for (const target of TARGETS)
    for (const name of [target, TARGET_TABLE[target].word, TARGET_TABLE[target].name])
      for (const word of [name, name.toUpperCase(), name.replaceAll(/[ _]/g, '-'), ` ${name}`])
        t.is(readTarget(word, ['n1']), target, word);
});

const answered = test.macro({
  exec: (t: ExecutionContext, line: string, says: string) => {
    const words = line.split(' ');
    const error = t.throws(() => readTarget(words.at(-1) ?? '', words.slice(0, -1)), { instanceOf: CountermandError });
    t.is(error.code, 'ARGUMENT_INVALID');
    t.true(error.message.endsWith(says), error.message);
  },
  title: (_, line) => `node power ${line}`,
});
test(answered, 'n1 status', 'did you mean: countermand node show n1');
test(answered, 'n1 n2 cancel', 'did you mean: countermand plan cancel --node n1 n2');
test(answered, 'n[1-4] abort', "did you mean: countermand abort 'n[1-4]'");
test(answered, 'n1 cycle', 'did you mean: countermand node power n1 reboot');
test(answered, 'n1 soft_of', 'did you mean: countermand node power n1 soft_off');
test(answered, 'n1 softoff', 'did you mean: countermand node power n1 soft_off');
test(answered, 'n1 stop', 'did you mean: countermand node power n1 soft_off, or countermand node power n1 off');
test(answered, 'soft_off n1', 'the target comes last: countermand node power n1 soft_off');
test(answered, 'off n1 n[2-3]', "the target comes last: countermand node power n1 'n[2-3]' off");
test(answered, "o'hara status", "did you mean: countermand node show 'o'\\''hara'");
test(answered, 'n1 hibernate', 'abort_soft_reboot, abort_soft_off, abort_inject_nmi');
test(
  answered,
  'n1',
  'give the nodes, then a target: on, off, reboot, soft_reboot, soft_off, inject_nmi, abort_soft_reboot, abort_soft_off, abort_inject_nmi',
);
