/** Links of Markdown pages: where they lead, and whether that is there. */
import { posix } from 'node:path';
import { anchorOf } from '../../scripts/site/anchors.ts';

/** Pages by their paths. */
export type Pages = Readonly<Record<string, string>>;

/** The part of a page that is prose: code is taken out. */
function prose(text: string): string {
  return text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, 'code');
}

/** Where the links and pictures of a page lead, other than to other sites. */
export function localLinks(text: string): string[] {
  const links = [...prose(text).matchAll(/\]\(<?([^()\s>]+)>?(?:\s+"[^"]*")?\)/g)].map(([, target]) => target ?? '');
  const references = [...prose(text).matchAll(/^\[[^\]]+\]:\s+(\S+)/gm)].map(([, target]) => target ?? '');
  return [...links, ...references].filter((target) => !/^[a-z][a-z+.-]*:/i.test(target));
}

/** The anchors of a page: its headings, as GitHub writes them. */
export function anchorsOf(text: string): string[] {
  const headings = [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#{1,6}\s+(.*)$/gm)];
  const seen = new Map<string, number>();
  return headings.map(([, heading = '']) => {
    const plain = anchorOf(heading);
    const times = seen.get(plain) ?? 0;
    seen.set(plain, times + 1);
    return times === 0 ? plain : `${plain}-${times}`;
  });
}

/** The links that lead nowhere, as `page: link`. `exists` knows the other files. */
export function brokenLinks(pages: Pages, exists: (path: string) => boolean): string[] {
  return Object.entries(pages).flatMap(([path, text]) =>
    localLinks(text)
      .filter((link) => !leadsSomewhere(link, path, pages, exists))
      .map((link) => `${path}: ${link}`),
  );
}

function leadsSomewhere(link: string, from: string, pages: Pages, exists: (path: string) => boolean): boolean {
  const [file = '', anchor] = link.split('#');
  const path = file === '' ? from : posix.join(posix.dirname(from), decodeURI(file));
  const page = pages[path];
  if (anchor === undefined || page === undefined) return page !== undefined || exists(path);
  return anchorsOf(page).includes(anchor);
}
