/** The file of `bmc_access`: what an agent may reach, and where it may use its secrets. */
import * as z from 'zod';
import { BmcAccess, type BmcAccessRules, isPlace } from '../../agent/bmc_access.ts';
import { fail } from '../../core/errors.ts';
import { readAtStart } from '../../core/small_file.ts';
import { checkValues, type FileKind, must, parseValues } from '../shared/order_file.ts';

const KIND: FileKind = { what: 'bmc_access', code: 'CONFIGURATION_INVALID', tooLarge: 'any bmc_access' };

/** A place, as a file names it. */
export const place = z
  .string(must('an address, a network such as 10.7.0.0/16, or a host name'))
  .refine(isPlace, 'must be an address, a network such as 10.7.0.0/16, or a host name');
/** References to secrets, as a file names them. */
export const secret = z
  .string(must('a reference such as file:rack7/*'))
  .regex(/^(file|env|vault):./, 'must be a reference such as file:rack7/* or env:COUNTERMAND_SECRET_*');
const dangers = ['http', 'basic_over_http', 'unverified_certificates'] as const;

const schema: z.ZodType<BmcAccessRules> = z.strictObject(
  {
    networks: z.array(place, must('a list of places')).optional(),
    rules: z
      .array(
        z.strictObject({
          addresses: z.array(place, must('a list of places')).min(1, 'must name a place'),
          drivers: z.array(z.string(), must('a list of drivers')).optional(),
          secrets: z.array(secret, must('a list of references')).optional(),
          allow: z.array(z.enum(dangers, must(dangers.join(', '))), must('a list')).optional(),
        }),
        must('a list of rules'),
      )
      .optional(),
  },
  must('a list of KEY: VALUE lines'),
);

const keysAt = (path: readonly PropertyKey[]): readonly string[] =>
  path.length === 0 ? ['networks', 'rules'] : ['addresses', 'drivers', 'secrets', 'allow'];

/** The rules of a file; null without one. @throws CONFIGURATION_INVALID naming the file and the place in it */
export function readBmcAccess(path: string | null): BmcAccess | null {
  if (path === null) return null;
  let text: string;
  try {
    text = readAtStart(path);
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `bmc_access cannot be read: ${(error as Error).message}`);
  }
  return new BmcAccess(checkValues(parseValues(text, path, KIND) ?? {}, path, schema, keysAt, KIND));
}
