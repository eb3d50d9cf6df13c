/** The console: a page for browsers, and the few files that it loads. They say nothing of this installation, so they are served without a sign-in. */
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { Answer } from './answer.ts';
import { Refusal } from './errors.ts';
import { type Ask, type Route, route } from './route.ts';

/** Where the build puts them. */
const FOLDER = new URL('../../dist/console/', import.meta.url);

/** The page itself. */
const PAGE = 'index.html';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
};

/**
 * Nothing is loaded from, or sent to, any other place; no script runs that is not a file of ours; no other page can hold this one in a
 * frame; and no text can become markup.
 */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  Vary: 'Accept-Encoding',
};

/** The name of script and style sheet says what is in them: a browser need never ask again. */
const FOR_EVER = { 'Cache-Control': 'public, max-age=31536000, immutable' };

/** A file, as it is and compressed. */
interface ConsoleFile {
  readonly plain: Buffer;
  readonly small: Buffer;
}

let files: Promise<ReadonlyMap<string, ConsoleFile>> | null = null;

/** All files, read once. @throws Refusal with 503 in a checkout that was not built */
function consoleFiles(): Promise<ReadonlyMap<string, ConsoleFile>> {
  files ??= readFiles().catch((error: Error) => {
    files = null;
    throw new Refusal(503, `the console is not there: ${error.message}; npm run build makes it`);
  });
  return files;
}

async function readFiles(): Promise<ReadonlyMap<string, ConsoleFile>> {
  const names = (await readdir(FOLDER)).filter((name) => Object.hasOwn(TYPES, endOf(name)));
  const read = names.map(async (name) => {
    const plain = await readFile(new URL(name, FOLDER));
    return [name, { plain, small: await promisify(gzip)(plain, { level: 9 }) }] as const;
  });
  return new Map(await Promise.all(read));
}

const endOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

async function answerFile(name: string, { acceptsGzip }: Ask): Promise<Answer> {
  const file = (await consoleFiles()).get(name);
  if (file === undefined) throw new Refusal(404, `the console has no file ${name.slice(0, 100)}; load the page again`);
  const headers = {
    ...HEADERS,
    ...(/-[A-Z0-9]{8}\./.test(name) && FOR_EVER),
    ...(acceptsGzip && { 'Content-Encoding': 'gzip' }),
  };
  const type = TYPES[endOf(name)] ?? 'application/octet-stream';
  return { status: 200, text: { type, content: acceptsGzip ? file.small : file.plain }, headers };
}

/** The routes of the console. */
export const CONSOLE_ROUTES: readonly Route[] = [
  route({
    method: 'GET',
    path: '/console',
    chapter: 'door',
    says: 'answers the console, a page for browsers: docs/console.md',
    status: 200,
    textType: 'text/html',
    handle: (ask) => answerFile(PAGE, ask),
  }),
  route({
    method: 'GET',
    path: '/console/{file}',
    chapter: 'door',
    says: 'answers a file of the console: its script, its style sheet or its icon',
    status: 200,
    textType: 'text/javascript',
    handle: (ask) => answerFile(ask.params.file ?? '', ask),
  }),
];
