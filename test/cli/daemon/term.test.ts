/** One term of a conductor with an agent inside, over a real database. */
import test from 'ava';
import { pino } from 'pino';
import { readConfiguration } from '../../../src/cli/daemon/configuration.ts';
import { Ending } from '../../../src/cli/daemon/ending.ts';
import { openPlace } from '../../../src/cli/daemon/open_database.ts';
import { openAgentFiles } from '../../../src/cli/daemon/run_agent.ts';
import { startTerm, type TermParts } from '../../../src/cli/daemon/term.ts';
import { NO_CLOUDS } from '../../../src/compute/client.ts';
import { fail } from '../../../src/core/errors.ts';
import { NO_TRACES } from '../../../src/core/tracing.ts';
import { Access } from '../../../src/server/access/access.ts';
import { ALONE } from '../../../src/server/agents/leading.ts';
import { Front } from '../../../src/server/api/front.ts';
import type { LogLevel } from '../../../src/server/log.ts';
import { MetricRegistry } from '../../../src/server/metrics/registry.ts';
import { NO_SINKS } from '../../../src/server/sinks/sinks.ts';
import { newFolder } from '../../counterparts/folder.ts';
import { openCaptured } from '../captured.ts';

test('calls are served from when the agent inside has attached: an order before that would be refused for its absence', async (t) => {
  const { terminal } = openCaptured();
  const { clock, chance } = terminal;
  const data = await newFolder(t);
  const configuration = readConfiguration({ data }, {});
  const named = { place: data, passwordFile: null, passwordFrom: '', mustExist: false };
  const { database } = await openPlace(named, terminal);
  const log = pino({ level: 'silent' });
  const registry = new MetricRegistry();
  const elsewhere = { error: fail('NOT_LEADING', 'not yet'), grpc: null, http: null };
  const front = new Front({ log, clock, chance, registry }, elsewhere);
  const attached: (number | undefined)[] = [];
  front.onChange((term) => attached.push(term?.conductor.attachments.list().length));
  const agentFiles = openAgentFiles(configuration, clock);
  const own = { log, terminal, registry, front, agentFiles, traces: NO_TRACES, ending: new Ending() };
  const around = { identifyBy: undefined, access: new Access(null), clouds: NO_CLOUDS, watched: [], sinks: NO_SINKS };
  const logLevel: LogLevel = { now: () => 'info', configured: () => 'info', set: () => {} };
  const parts: TermParts = { configuration, ...around, ...own, logLevel, retention: () => configuration.retention };
  const mandate = {
    database,
    leading: ALONE,
    restMs: () => Number.POSITIVE_INFINITY,
    embeddedMayActMs: 0,
    elected: null,
  };
  const term = await startTerm(mandate, parts);
  await term.attached;
  await term.end(elsewhere);
  t.deepEqual(attached, [undefined, 1, undefined]);

  // One that ends before the agent has attached has served nothing.
  attached.length = 0;
  const short = await startTerm(mandate, parts);
  await short.drop(elsewhere);
  t.deepEqual(attached, [undefined]);
  await database.close();
});
