/** A real Chromium, Debian's: what a person with a browser sees. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Debian's two builds of it; the first has no windows, and costs less. */
const PROGRAMS = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'];

/** Far above what a page takes: it only ends what hangs. */
const LIMIT_MS = 120_000;

/** Starts a browser. Close it. */
export async function startBrowser(): Promise<Browser> {
  const executablePath = PROGRAMS.find(existsSync);
  if (executablePath === undefined)
    throw new Error('there is no Chromium; scripts/install-counterparts.sh installs it');
  // Its sandbox cannot be had by root.
  const args = ['--disable-gpu', '--disable-dev-shm-usage', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return await chromium.launch({ executablePath, args });
}

/** A page, and what it has done that a person does not see. */
export interface WatchedPage {
  readonly page: Page;
  /** The addresses of all requests. */
  readonly requests: readonly string[];
  /** What it said to the console of the browser as an error: uncaught exceptions, and what its policy has stopped. */
  readonly errors: readonly string[];
}

/** Opens a page that keeps nothing of others. */
export async function openPage(browser: Browser): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  const page = await context.newPage();
  page.setDefaultTimeout(LIMIT_MS);
  const requests: string[] = [];
  const errors: string[] = [];
  page.on('request', (request) => requests.push(request.url()));
  page.on('pageerror', (error) => errors.push(String(error.stack)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  return { page, requests, errors };
}
