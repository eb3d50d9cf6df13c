/** Pages of lists: the link to the next one repeats what this one was asked for. */

/** A link, as OpenStack's lists and resources carry them. */
interface Link {
  readonly href: string;
  readonly rel: string;
}

/** Where a thing is found: itself, and the bookmark without a version, which no client follows. */
export function linksTo(base: string, path: string): Link[] {
  return [
    { href: `${base}/v1/${path}`, rel: 'self' },
    { href: `${base}/${path}`, rel: 'bookmark' },
  ];
}

/** The address of the page after this one: the same question, from this marker on. */
export function nextPage(base: string, url: URL, marker: string, limit: number): string {
  const next = new URLSearchParams(url.searchParams);
  next.set('limit', String(limit));
  next.set('marker', marker);
  return `${base}${url.pathname}?${next}`;
}
