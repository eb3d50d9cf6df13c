/** Where the spans of a daemon go: to an OTLP receiver if one is configured, and else nowhere; then no SDK is loaded. */
import { NO_TRACES } from '../../core/tracing.ts';
import type { Terminal } from '../shared/terminal.ts';
import type { Configuration } from './configuration.ts';
import type { ExportLog, OpenTraces } from './otlp.ts';

const NOWHERE: OpenTraces = { ...NO_TRACES, close: async () => {} };

/** Opens the traces of a process. @param service what it is called there */
export async function openTraces(
  { tracesEndpoint, tracesSampleRatio }: Pick<Configuration, 'tracesEndpoint' | 'tracesSampleRatio'>,
  service: 'countermand' | 'countermand-agent',
  { clock, chance }: Terminal,
  log: ExportLog,
): Promise<OpenTraces> {
  if (tracesEndpoint === null) return NOWHERE;
  const { openOtlp } = await import('./otlp.ts');
  return openOtlp({ endpoint: tracesEndpoint, ratio: tracesSampleRatio, service, clock, chance, log });
}
