import test from 'ava';
import { shortened } from '../../../src/cli/shared/short_ids.ts';

test('each uuid of a sentence is short, unless two of them would look alike', (t) => {
  const [one, other] = ['6c1f9a52-6a86-4f0e-9d6e-0b1f6f0a7d11', '6c1f9a52-1111-4f0e-9d6e-0b1f6f0a7d11'];
  t.is(shortened(`held by power task ${one}; see ${one}`), 'held by power task 6c1f9a52; see 6c1f9a52');
  t.is(shortened(`${one}, ${other}`), `${one}, ${other}`);
  t.is(shortened('no uuid: 6c1f9a52-6a86'), 'no uuid: 6c1f9a52-6a86');
});
