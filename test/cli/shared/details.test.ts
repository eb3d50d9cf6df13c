/** What the command line reads of the details that the conductor sends with an error. */
import test from 'ava';
import { readDetails } from '../../../src/cli/shared/details.ts';
import { failWith, RESOURCE_TYPES } from '../../../src/core/errors.ts';
import { encodeStatus } from '../../../src/server/api/details.ts';

for (const type of RESOURCE_TYPES)
  test(`an error about a ${type} names it`, (t) => {
    const resource = { type, name: 'x7' };
    const error = failWith('ARGUMENT_INVALID', 'no', { resource });
    t.deepEqual(readDetails(encodeStatus(error, 3, 'no') ?? undefined), { resource });
  });
