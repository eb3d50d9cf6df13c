/** Values of query parameters, which are texts: how they are read, and the sentence where they cannot be. */
import * as z from 'zod';
import { SENT_LIMITS } from '../core/limits.ts';
import { isUuid } from '../core/uuid.ts';

/** The words for yes and no that Ironic takes, in any case: Python clients send `True`. */
const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'true', 'y', 'yes', 'on'].map((word) => [word, true] as const),
  ...['0', 'f', 'false', 'n', 'no', 'off'].map((word) => [word, false] as const),
]);

/** Yes or no. */
export const flag = z.string().transform((text, context) => {
  const value = FLAGS.get(text.toLowerCase());
  if (value !== undefined) return value;
  context.addIssue(`'${text.slice(0, 100)}' is not one of ${[...FLAGS.keys()].join(', ')}`);
  return z.NEVER;
});

/** How many rows a page has: 0 is as many as a page can have, and so is more than that. */
export const limit = z.string().transform((text, context) => {
  const most = SENT_LIMITS.page_size.limit;
  if (/^\d{1,15}$/.test(text)) return Number(text) === 0 ? most : Math.min(Number(text), most);
  context.addIssue(`'${text.slice(0, 100)}' is not a whole number from 0 on`);
  return z.NEVER;
});

/** A uuid. */
export const uuid = z.string().transform((text, context) => {
  if (isUuid(text)) return text.toLowerCase();
  context.addIssue(`'${text.slice(0, 100)}' is not a uuid`);
  return z.NEVER;
});

/** The direction of a list. */
export const direction = z.enum(['asc', 'desc'], { error: 'it is asc or desc' });

/** A list of names between commas. */
export const names = z.string().transform((text, context) => {
  const all = text.split(',').map((name) => name.trim());
  if (!all.includes('')) return all;
  context.addIssue('it has an empty name; write names with one comma between two of them');
  return z.NEVER;
});
