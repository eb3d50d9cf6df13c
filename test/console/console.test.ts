/** The console in a real Chromium, before one conductor that is killed once. */
import { stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import bcrypt from 'bcryptjs';
import type { Browser, Page } from 'playwright-core';
import { newFolder } from '../counterparts/folder.ts';
import { type House, openHouse } from '../e2e/house.ts';
import { ask } from '../e2e/http.ts';
import { openPage, startBrowser, type WatchedPage } from './browser.ts';
import { putFleet } from './fleet.ts';

const FLEET = 10_000;
/** Text that a BMC or a colleague may say: markup, and a sign that would turn the rest of the line around. */
const HOSTILE = '<img src=/v1 onerror="document.title=1">\u202e&amp;';
const OTHERS = [
  { name: 'a1', labels: { note: HOSTILE } },
  { name: 'a2' },
  { name: 'a3', maintenance: true, maintenanceReason: HOSTILE },
];

const endings: (() => unknown)[] = [];
let house: House;
let browser: Browser;
let watched: WatchedPage;
let page: Page;
let folder: string;

test.before(async (t) => {
  // What is started here is there for all tests of the file.
  const whole = { log: t.log, passed: true, teardown: (end: () => unknown) => endings.unshift(end) };
  const all = whole as unknown as ExecutionContext;
  folder = await newFolder(all);
  const hash = bcrypt.hashSync('secret', 4);
  await writeFile(join(folder, 'htpasswd'), `root:${hash}\nseer:${hash}\n`);
  const bindings = [
    { identities: ['basic:root'], role: 'admin' },
    { identities: ['basic:seer'], role: 'observer' },
  ];
  await writeFile(join(folder, 'access.yaml'), JSON.stringify({ bindings }));
  house = await openHouse(all, {
    http: true,
    settings: {
      htpasswd_file: join(folder, 'htpasswd'),
      access_file: join(folder, 'access.yaml'),
      agent_name: 'agent-1',
    },
    async disk(data) {
      putFleet(data, FLEET, OTHERS);
      return [];
    },
  });
  browser = await startBrowser();
  endings.unshift(() => browser.close());
  watched = await openPage(browser);
  page = watched.page;
});

test.after.always(async () => {
  for (const end of endings) await end();
});

/** Calls an RPC as another client would. */
async function call<Answer>(path: string, body: object): Promise<Answer> {
  const authorization = `Basic ${Buffer.from('root:secret').toString('base64')}`;
  const { status, json, text } = await ask(house.http, `POST /countermand.v1.${path}`, {
    headers: { authorization },
    body,
  });
  if (status !== 200) throw new Error(`${path}: ${text}`);
  return json as Answer;
}

const button = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
const dialog = () => page.getByRole('dialog');
/** What stands in the element that has the keyboard. */
const focused = () => page.evaluate('document.activeElement.textContent');
const planState = (name: string) => page.locator('main [role=status]').getByText(name, { exact: true });
const go = (hash: string) => page.evaluate(`void (location.hash = '${hash}')`);

async function signIn(user: string): Promise<void> {
  await page.getByLabel('a user name and password').check();
  await page.getByLabel('User name', { exact: true }).fill(user);
  await page.getByLabel('Password', { exact: true }).fill('secret');
  await page.keyboard.press('Enter');
}

/** What axe finds wrong for people with other senses and other hands; nothing. */
async function accessible(t: ExecutionContext, where: string): Promise<void> {
  const found = await page.evaluate(
    'axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html, any }) => html.slice(0, 200) + (any[0]?.message ?? ""))]))',
  );
  t.deepEqual(found, [], where);
}

test.serial('who has not signed in sees nothing; the credentials are in no cookie', async (t) => {
  await call('NodeService/FreezeNodes', { zone: 'elsewhere', reason: 'stock-taking' });
  await page.goto(`${house.http}/console`);
  await page.evaluate(await axeSource());
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await accessible(t, 'sign in');
  await page.getByLabel('Token', { exact: true }).fill('wrong');
  await button('Sign in').click();
  await page.getByRole('alert').waitFor();
  t.is(await page.evaluate('sessionStorage.length'), 0, 'what was refused is not kept');
  await signIn('root');
  await page.getByRole('heading', { name: 'Nodes' }).waitFor();
  t.deepEqual(await page.context().cookies(), []);
  t.is(await page.evaluate('localStorage.length'), 0);
});

const axeSource = async (): Promise<string> => createRequire(import.meta.url)('axe-core').source;

test.serial('10,000 nodes are there, and a screenful of them is drawn', async (t) => {
  await page.getByText('10,003 of 10,003 nodes').waitFor();
  const table = page.getByRole('table', { name: 'Nodes' });
  t.is(await table.getAttribute('aria-rowcount'), '10004');
  t.true((await table.getByRole('row').count()) < 60);
  await page.getByText('zone elsewhere. stock-taking').waitFor();
  await accessible(t, 'nodes');
  // By keyboard, to the last of them.
  await page.getByRole('rowgroup', { name: 'Nodes: rows' }).focus();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'r100n100', exact: true }).waitFor();
  await page.getByRole('combobox', { name: 'Show' }).selectOption('In maintenance');
  const text = await page.getByRole('row').filter({ hasText: 'a3' }).innerText();
  t.true(text.includes('<img src=/v1 onerror="document.title=1">\ufffd&amp;'), text);
  await page.getByRole('combobox', { name: 'Show' }).selectOption('Every node');
});

test.serial('an order for many names how many, and from 20 on the number is typed', async (t) => {
  await page.getByRole('searchbox', { name: 'Find' }).fill('rack=100');
  await page.getByText('100 of 10,003 nodes').waitFor();
  await page.getByLabel('Pick all 100 nodes that are shown').check();
  await button('Power off …').click();
  await dialog().getByText('it takes 100 running nodes down').waitFor();
  const yes = dialog().getByRole('button', { name: 'Power off: 100 nodes' });
  t.true(await yes.isDisabled());
  await dialog()
    .getByLabel(/Type the number/)
    .fill('10');
  t.true(await yes.isDisabled());
  await dialog()
    .getByLabel(/Type the number/)
    .fill('100');
  t.false(await yes.isDisabled());
  await accessible(t, 'question');
  await page.keyboard.press('Escape');
  await dialog().waitFor({ state: 'detached' });
  t.deepEqual(await call('ActionPlanService/ListActionPlans', {}), {});
  await button('Pick none').click();
});

test.serial('by keyboard alone: an order is asked about, its abort is not', async (t) => {
  await page.getByRole('searchbox', { name: 'Find' }).fill('a1');
  await page.getByRole('link', { name: 'a1', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'a1', level: 1 }).waitFor();
  t.is(await focused(), 'a1', 'a screen reader is at the new title');
  t.true((await page.locator('.facts').innerText()).includes('note=<img src=/v1'));
  await button('Soft power off …').focus();
  await page.keyboard.press('Enter');
  await page.locator('dialog button:focus').waitFor();
  t.is(await focused(), 'Do nothing');
  await page.keyboard.press('Enter');
  await dialog().waitFor({ state: 'detached' });
  t.is(await focused(), 'Soft power off …');
  await page.keyboard.press('Enter');
  await page.locator('dialog button:focus').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Held by an order: soft power off').waitFor();
  await accessible(t, 'node');
  await button('Abort soft power off').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('cell', { name: 'RECALLED' }).first().waitFor();
});

test.serial('an abort for many is given at once, and says at how many there was something to abort', async (t) => {
  for (const node of ['a1', 'a2'])
    await call('PowerService/OrderPowerState', { node, target: 'POWER_TARGET_SOFT_POWER_OFF' });
  await go('#/nodes');
  for (const node of ['a1', 'a2', 'a3']) await page.getByLabel(`Pick ${node}`, { exact: true }).check();
  await button('Abort soft power off').click();
  await page.getByText('Abort soft power off: of 3 nodes, 2 had something to abort').waitFor();
  t.is(await dialog().count(), 0);
});

/** A plan whose first action never ends by itself, and whose second waits for it. */
const PLAN = {
  name: 'rack down',
  actions: [
    { name: 'drain', actionType: 'set_node_maintenance', inputParameters: { resource_id: 'a2', maintenance: true } },
    ...['a2', 'a1'].map((node, at) => ({
      name: `down ${node}`,
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: node, state: 'soft power off' },
      parents: at === 0 ? ['drain'] : ['down a2'],
    })),
  ],
};

test.serial(
  'a plan is started, moves, is cancelled at once, and its rollback is shown before it is ordered',
  async (t) => {
    const made = await call<{ actionPlan: { uuid: string } }>('ActionPlanService/CreateActionPlan', PLAN);
    await page.getByRole('link', { name: 'Plans' }).click();
    await page.getByRole('link', { name: 'rack down' }).click();
    await button('Start …').click();
    await dialog().getByText('it takes 2 running nodes down (a1, a2)').waitFor();
    await dialog().getByRole('button', { name: 'Start: 2 nodes' }).click();
    await page.locator('svg [data-state=SUCCEEDED]').waitFor();
    await page.locator('svg [data-state=ONGOING]').waitFor();
    t.is(await page.locator('svg .box').count(), 3);
    await accessible(t, 'plan');
    await page.screenshot({ path: join(folder, 'plan.png') });
    t.true((await stat(join(folder, 'plan.png'))).size > 5000);
    await button('Cancel').click();
    await planState('CANCELLED').waitFor();
    await button('Roll back …').click();
    await dialog().getByText('Roll back 1 node: rack down').waitFor();
    await dialog().getByRole('cell', { name: 'drain' }).waitFor();
    await dialog().getByRole('button', { name: 'Roll back: 1 node' }).click();
    await page.getByText('Undoes the plan').waitFor();
    await planState('SUCCEEDED').waitFor();
    await page.getByRole('link', { name: made.actionPlan.uuid }).waitFor();
  },
);

test.serial('the conductor is killed: the page says so, and goes on with what it missed', async (t) => {
  await go('#/events');
  await page.getByText('action_plan.rollback.end').waitFor();
  await page.emulateMedia({ colorScheme: 'dark' });
  await accessible(t, 'events, dark');
  await house.kill('conductor');
  await page.getByText('Disconnected').waitFor();
  await house.start('conductor');
  await page.getByText('Disconnected').waitFor({ state: 'detached' });
  await call('NodeService/UpdateNode', { node: 'a3', setLabels: { seen: 'again' } });
  await page.getByText('baremetal.node.update.end').first().waitFor();
  const numbers = await page.locator('[data-column=sequence]').allInnerTexts();
  t.deepEqual(
    numbers,
    numbers.toSorted((one, other) => Number(other) - Number(one)),
    'in their order',
  );
  t.is(new Set(numbers).size, numbers.length, 'each once');
  await go('#/audits');
  await page.getByText('There is no audit').or(page.getByText('rack down')).first().waitFor();
  await accessible(t, 'audits, dark');
  await go('#/conductors');
  await page.getByRole('cell', { name: 'agent-1 (inside the conductor)' }).waitFor();
  await accessible(t, 'conductors, dark');
});

test.serial('no request leaves the origin, and its policy lets no text become a script', async (t) => {
  t.deepEqual(
    watched.requests.filter((url) => !url.startsWith(`${house.http}/`)),
    [],
  );
  t.deepEqual(
    watched.errors.filter((text) => !/Failed to load resource/.test(text)),
    [],
  );
  const { headers } = await ask(house.http, 'GET /console');
  t.regex(headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self'; /);
  await t.throwsAsync(page.evaluate("document.body.innerHTML = '<b>a</b>'"), { message: /TrustedHTML/ });
  await t.throwsAsync(page.evaluate("fetch('http://127.0.0.1:9/')"), { message: /Failed to fetch/ });
  t.regex(watched.errors.at(-1) ?? '', /Content Security Policy/);
  // After a new start of the page the tab still knows its credentials; signing out forgets them.
  await page.reload();
  await page.getByRole('cell', { name: 'agent-1 (inside the conductor)' }).waitFor();
  await button('Sign out').click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  t.is(await page.evaluate('sessionStorage.length'), 0);
});

test.serial('who may only look is told so, and nothing is done', async (t) => {
  await signIn('seer');
  await page.getByRole('cell', { name: 'agent-1 (inside the conductor)' }).waitFor();
  await go('#/nodes/a1');
  const tasks = await call('PowerService/ListPowerTasks', { node: 'a1' });
  await button('Power on').click();
  await page.getByText(/^basic:seer has no role with the verb \S+ on node 'a1'/).waitFor();
  t.deepEqual(await call('PowerService/ListPowerTasks', { node: 'a1' }), tasks);
});
