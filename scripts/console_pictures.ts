/**
 * `node scripts/console_pictures.ts`: makes the pictures of docs/console.md in docs/console, from a real conductor with pretended nodes, in a
 * real Chromium.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { openPage, startBrowser } from '../test/console/browser.ts';
import { environmentWith, startConductorProcess } from './demo/conductor_process.ts';

const TO = fileURLToPath(new URL('../docs/console/', import.meta.url));
const RACKS = 4;
const NODES = 12;

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

type Call = (path: string, body: object) => Promise<void>;

/** Nodes that need some time, and among them what an operator meets: one that is silent, one in maintenance, one that is held. */
async function enrol(call: Call): Promise<void> {
  for (let rack = 1; rack <= RACKS; rack += 1)
    for (let at = 1; at <= NODES; at += 1) {
      const name = `r${rack}n${at}`;
      const isOff = rack === 4 && at > 6;
      const driverInfo = {
        fake_address: name,
        fake_soft_ms: rack === 2 ? '4000' : 'never',
        fake_power_state: isOff ? 'off' : 'on',
        fake_fault: name === 'r1n3' ? 'silent' : 'none',
      };
      await call('NodeService/CreateNode', { name, driver: 'fake', driverInfo, labels: { rack: `${rack}` } });
    }
  await call('NodeService/UpdateNode', { node: 'r1n5', maintenance: true, maintenanceReason: 'new memory' });
  const order = { node: 'r1n2', target: 'POWER_TARGET_SOFT_POWER_OFF', reason: 'fan has failed' };
  await call('PowerService/OrderPowerState', order);
}

/** A rack that is switched off, drained first, two nodes at a time. */
const PLAN = {
  name: 'rack 2 down',
  maxParallel: 3,
  actions: Array.from({ length: 6 }, (_, at) => `r2n${at + 1}`).flatMap((node) => [
    {
      name: `drain ${node}`,
      actionType: 'set_node_maintenance',
      inputParameters: { resource_id: node, maintenance: true },
    },
    {
      name: `down ${node}`,
      actionType: 'change_node_power_state',
      inputParameters: { resource_id: node, state: 'soft power off' },
      parents: [`drain ${node}`],
    },
  ]),
  start: true,
};

async function take(page: Page, base: string, call: Call): Promise<void> {
  const shoot = (name: string): Promise<unknown> => page.screenshot({ path: join(TO, `${name}.png`) });
  const go = async (hash: string): Promise<unknown> => page.goto(`${base}/console#/${hash}`);
  await go('nodes');
  await page.getByText(`${RACKS * NODES} of ${RACKS * NODES} nodes`).waitFor();
  await page.getByText('BMC_SILENT').first().waitFor();
  await page.getByText('soft power off').first().waitFor();
  await shoot('nodes');
  await go('nodes/r1n2');
  await page.getByText('Held by an order').waitFor();
  await page.getByRole('cell', { name: 'CONFIRMING' }).waitFor();
  await shoot('node');
  await call('ActionPlanService/CreateActionPlan', PLAN);
  await go('plans');
  await page.getByRole('link', { name: PLAN.name }).click();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('svg .box.good').nth(6).waitFor();
  await shoot('plan');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await page.getByRole('button', { name: /^Roll back/ }).click();
  await page.getByRole('dialog').waitFor();
  await shoot('rollback');
}

await using after = new AsyncDisposableStack();
const data = await mkdtemp(join(tmpdir(), 'countermand-pictures-'));
after.defer(() => rm(data, { recursive: true, force: true }));
const http = `127.0.0.1:${await freePort()}`;
const flags = ['--data', data, '--http-listen', http, '--agent-name', 'agent-1'];
const conductor = await startConductorProcess(flags, environmentWith({}), new AbortController().signal);
after.defer(() => conductor.stop());
const base = `http://${http}`;
const call: Call = async (path, body) => {
  const headers = { 'Content-Type': 'application/json' };
  const sent = await fetch(`${base}/countermand.v1.${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!sent.ok) throw new Error(`${path}: ${await sent.text()}`);
};
await enrol(call);
const browser = await startBrowser();
after.defer(() => browser.close());
await mkdir(TO, { recursive: true });
await take((await openPage(browser)).page, base, call);
