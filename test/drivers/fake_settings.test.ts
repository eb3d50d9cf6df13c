/** What driver_info of the driver `fake` says of a wrong value: what is possible instead. */
import test from 'ava';
import { fakeSchema } from '../../src/drivers/fake/hardware.ts';

test('a delay is a number of milliseconds, or never', (t) => {
  const messageOf = (fake_soft_ms: string) =>
    fakeSchema.safeParse({ fake_address: 'a', fake_soft_ms }).error?.issues.map(({ message }) => message);
  t.deepEqual(messageOf('-3'), ['must be a number of milliseconds, or never']);
  t.deepEqual([messageOf('3'), messageOf('never')], [undefined, undefined]);
});
