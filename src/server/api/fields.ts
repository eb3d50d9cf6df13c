/** Where a fault is in the request that a client has sent, when the work below knows only a part of that request. */
import { CountermandError } from '../../core/errors.ts';

/**
 * The result of the work; if it is refused, the error names the field by its path in the whole request.
 * @param whole the path in the request, of a path in the part that the work knows
 */
export async function withFields<T>(whole: (field: string) => string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof CountermandError)) throw thrown;
    const { code, message, details } = thrown;
    if (details.field === undefined) throw thrown;
    throw new CountermandError(code, message, { cause: thrown }, { ...details, field: whole(details.field) });
  }
}

/** The path of what a preview is about: it stands in a request of another RPC. */
export const inWanted = (field: string): string => `wanted.${field}`;

/** The path of what an update sets: the same thing has a shorter name where a node is created. */
export const inUpdate = (field: string): string => field.replace(/^(?=(labels|driver_info)(\.|$))/, 'set_');
