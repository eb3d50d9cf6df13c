import test from 'ava';
import {
  ageWords,
  enumName,
  powerStateWord,
  recallWords,
  spanWords,
  targetOf,
  targetValue,
  targetWord,
} from '../../../src/cli/shared/words.ts';
import { TARGETS } from '../../../src/core/power.ts';
import { PowerState, PowerTarget, PowerTaskState, Recall } from '../../../src/gen/countermand/v1/power.ts';

test('every target has an enum value, and back', (t) => {
  for (const target of TARGETS) {
    t.is(targetOf(targetValue(target)), target);
    t.is(targetWord(targetValue(target)), target);
  }
  t.is(new Set(TARGETS.map(targetValue)).size, TARGETS.length);
});

test('every enum value of a target is known, but for none', (t) => {
  const { UNSPECIFIED, UNRECOGNIZED, ...targets } = PowerTarget;
  for (const value of Object.values(targets)) t.not(targetOf(value), null);
  t.is(targetOf(UNSPECIFIED), null);
  t.is(targetWord(UNSPECIFIED), '');
  t.is(targetWord(UNRECOGNIZED), 'unknown');
});

test('power states are the words of Ironic', (t) => {
  const { ON, OFF, ERROR, UNSPECIFIED } = PowerState;
  t.deepEqual([ON, OFF, ERROR, UNSPECIFIED].map(powerStateWord), ['power on', 'power off', 'error', 'unknown']);
});

test('every recall but none has words', (t) => {
  const { UNSPECIFIED, UNRECOGNIZED: _, ...recalls } = Recall;
  t.is(recallWords(UNSPECIFIED), '');
  for (const recall of Object.values(recalls)) t.not(recallWords(recall), '');
});

test('enum values have names, also those of a newer conductor', (t) => {
  t.is(enumName(PowerTaskState, PowerTaskState.CONFIRMING), 'CONFIRMING');
  t.is(enumName(PowerTaskState, 99 as PowerTaskState), 'UNRECOGNIZED');
});

test('spans have two units at most', (t) => {
  const spans = [-5, 0, 999, 1000, 59_999, 60_000, 588_000, 3_600_000, 7_380_000, 90_061_000];
  t.deepEqual(spans.map(spanWords), ['0s', '0s', '0s', '1s', '59s', '1m', '9m48s', '1h', '2h3m', '1d1h']);
});

test('ages have one unit', (t) => {
  t.is(ageWords(undefined, 0), 'never');
  t.is(ageWords(new Date(0), 588_000), '9m');
  t.is(ageWords(new Date(5000), 0), '0s');
});
