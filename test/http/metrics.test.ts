/** A real Prometheus scrapes a real conductor; its rules and the dashboard name what there is. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { METRICS } from '../../src/server/metrics/table.ts';
import { ownAddress, takePort } from '../../src/sim/loopback.ts';
import { eventually } from '../counterparts/eventually.ts';
import { newFolder } from '../counterparts/folder.ts';
import { openHouse } from '../e2e/house.ts';
import { enrol } from '../e2e/orders.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PROMETHEUS = at('node_modules/.cache/countermand-prometheus/prometheus');
const PROMTOOL = at('node_modules/.cache/countermand-prometheus/promtool');
const RULES = at('packaging/prometheus/countermand.rules.yaml');
const DASHBOARD = at('packaging/grafana/countermand.json');

const scrape = async (http: string): Promise<string> => (await fetch(`${http}/metrics`)).text();

test('the metrics of a conductor are what promtool expects, and those of the table', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await enrol(house.client, 'n1', 'fake', { fake_address: 'n1' });
  await house.client.nodes.listNodes({});
  const response = await fetch(`${house.http}/metrics`);
  t.is(response.status, 200);
  t.is(response.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const text = await response.text();
  const checking = promisify(execFile)(PROMTOOL, ['check', 'metrics']);
  checking.child.stdin?.end(text);
  t.deepEqual(await checking, { stdout: '', stderr: '' });
  const found = new Set([...text.matchAll(/^# TYPE (countermand_\w+) /gm)].map(([, name]) => name));
  t.deepEqual([...found].sort(), Object.keys(METRICS).sort());
  t.regex(text, /^countermand_nodes\{zone="default",driver="fake",power_state="power on"\} 1$/m);
  t.regex(text, /^countermand_calls_total\{rpc="countermand.v1.NodeService\/ListNodes",code="OK"\} \d+$/m);
  t.regex(text, /^countermand_streams\{rpc="[^"]*Attach"\} 1$|^nodejs_eventloop_lag_p99_seconds /m);
});

test('a call that is refused is counted with its status', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  await t.throwsAsync(house.client.nodes.getNode({ node: 'n9' }));
  t.regex(
    await scrape(house.http),
    /countermand_calls_total\{rpc="countermand.v1.NodeService\/GetNode",code="NOT_FOUND"\} 1/,
  );
});

test('rules and dashboard are well formed, and name metrics that there are', async (t) => {
  await promisify(execFile)(PROMTOOL, ['check', 'rules', RULES]);
  const known = new Set(Object.keys(METRICS));
  const alerts = await readFile(at('docs/operations/alerts.md'), 'utf8');
  for (const path of [RULES, DASHBOARD]) {
    const text = await readFile(path, 'utf8');
    for (const [name] of text.matchAll(/countermand_\w+/g))
      t.true(known.has(name.replace(/_(bucket|sum|count)$/, '')) || known.has(name), `${path}: ${name}`);
    for (const [, alert] of text.matchAll(/alert: (\w+)/g)) t.true(alerts.includes(`## ${alert}\n`), alert);
  }
  t.true(JSON.parse(await readFile(DASHBOARD, 'utf8')).panels.length > 10);
});

test('a real Prometheus scrapes it, and its alert fires for a node that cannot be read', async (t) => {
  const house = await openHouse(t, { here: true, http: true });
  const driverInfo = { fake_address: 'n1', fake_fault: 'silent' };
  await house.client.nodes.createNode({ name: 'n1', driver: 'fake', driverInfo });
  const folder = await newFolder(t);
  const address = `${ownAddress()}:${await takePort(ownAddress())}`;
  const rules = (await readFile(RULES, 'utf8')).replaceAll(/^( +)for: .*$/gm, '$1for: 0s');
  await writeFile(join(folder, 'rules.yaml'), rules);
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(folder, 'rules.yaml')],
    scrape_configs: [{ job_name: 'countermand', static_configs: [{ targets: [new URL(house.http).host] }] }],
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(configuration));
  const words = ['--pdeathsig', 'KILL', PROMETHEUS, `--config.file=${join(folder, 'prometheus.yml')}`];
  const flags = [`--web.listen-address=${address}`, `--storage.tsdb.path=${join(folder, 'tsdb')}`];
  const prometheus = spawn('/usr/bin/setpriv', [...words, ...flags], { stdio: ['ignore', 'ignore', 'pipe'] });
  t.teardown(async () => {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'close');
  });
  const lines: string[] = [];
  createInterface(prometheus.stderr).on('line', (line) => lines.push(line));
  const ask = async (query: string): Promise<string[]> => {
    const response = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(query)}`).catch(() => null);
    // It listens before it is ready.
    if (!response?.ok) return [];
    const answer = (await response.json()) as { data: { result: { metric: Record<string, string> }[] } };
    return answer.data.result.map(({ metric }) => JSON.stringify(metric));
  };
  // A machine that is slow answers some scrapes too late: then it is said to be down, until the next one.
  const firing = async (): Promise<string> =>
    (await ask('ALERTS{alertstate="firing"}')).map((alert) => JSON.parse(alert).alertname).join();
  await eventually('this alert alone to fire', async () => (await firing()) === 'CountermandNodesUnreadable')
    .then(() => t.pass())
    .catch(async (error: Error) => t.fail(`${error.message}: ${await firing()}\n${lines.join('\n')}`));
  t.is((await ask('countermand_info{version!=""}')).length, 1);
});
