/** Where in the console a person is, as the part of the address after `#`: the browser keeps the way back. */

/** The pages that have an entry in the navigation, with the words of it. */
export const PAGES = {
  nodes: 'Nodes',
  plans: 'Plans',
  audits: 'Audits',
  events: 'Events',
  conductors: 'Agents and conductors',
} as const;

/** A page. */
export type Page = keyof typeof PAGES;

/** A page, or the one thing on it. */
export interface Place {
  readonly page: Page;
  /** The name of the node, or the uuid of the plan; null: the page about all of them. */
  readonly one: string | null;
}

/** The place of an address such as `#/nodes/r7n1`. What is no place is the first page. */
export function placeOf(hash: string): Place {
  const [, page = '', one = ''] = hash.split('/');
  if (!Object.hasOwn(PAGES, page)) return { page: 'nodes', one: null };
  return { page: page as Page, one: one === '' ? null : decoded(one) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address of a page, or of one thing on it. */
export function addressOf(page: Page, one?: string): string {
  return one === undefined ? `#/${page}` : `#/${page}/${encodeURIComponent(one)}`;
}
