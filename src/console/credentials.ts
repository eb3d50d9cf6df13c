/**
 * The credentials that were typed in, for this tab alone: in the storage that ends with it, and never in a cookie, which a browser
 * would send by itself.
 */

const KEY = 'countermand authorization';

/** The header of a token. */
export const ofToken = (token: string): string => `Bearer ${token.trim()}`;

/** The header of a user name and password. */
export function ofPassword(user: string, password: string): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/** The header `Authorization` of this tab; null if nothing was typed in. */
export const kept = (): string | null => sessionStorage.getItem(KEY);

/** Keeps a header until the tab is closed; null: forgets it. */
export function keep(authorization: string | null): void {
  if (authorization === null) sessionStorage.removeItem(KEY);
  else sessionStorage.setItem(KEY, authorization);
}
