/** What the command line reads of the details that the conductor sends with an error. */
import test from 'ava';
import { readDetails } from '../../../src/cli/shared/details.ts';
import { failWith } from '../../../src/core/errors.ts';
import { RESOURCE_TYPES } from '../../../src/core/resource_types.ts';
import { encodeStatus } from '../../../src/server/api/details.ts';

test('what is too long is cut between two characters', (t) => {
  const name = '\u{1f600}'.repeat(150).concat('xx');
  const error = failWith('ARGUMENT_INVALID', name, { field: 'f', resource: { type: 'node', name }, facts: { name } });
  const { rule = '', resource, facts } = readDetails(encodeStatus(error, 3, name) ?? undefined);
  t.is(rule, name.slice(0, 300));
  t.is(resource?.name, name.slice(0, 254));
  t.is(facts?.name, name.slice(0, 254));
});

for (const type of RESOURCE_TYPES)
  test(`an error about a ${type} names it`, (t) => {
    const resource = { type, name: 'x7' };
    const error = failWith('ARGUMENT_INVALID', 'no', { resource });
    t.deepEqual(readDetails(encodeStatus(error, 3, 'no') ?? undefined), { resource });
  });
