/** The configuration keys of traces, and the standard variables that stand in for one of them. */
import * as z from 'zod';
import { isOpenUrl } from '../shared/open_url.ts';
import type { Environment } from '../shared/terminal.ts';
import type { ConfigurationKey } from './configuration_kinds.ts';

/** A part of the table of keys. */
export const TRACE_KEYS = {
  traces_endpoint: {
    type: 'a URL with http or https and without a user, or none',
    placeholder: 'url|none',
    rule: () => z.string().refine((text) => text === 'none' || isOpenUrl(text)),
    fallbackWords: '`OTEL_EXPORTER_OTLP_ENDPOINT` if that is set, else none: nothing is traced',
    readBy: 'both',
    // A token of a receiver may stand in its path.
    hidden: true,
    meaning:
      'where an OTLP receiver takes traces over HTTP, for example `http://127.0.0.1:4318`; `/v1/traces` is appended unless the path ends with it. See [traces](operations/traces.md)',
  } satisfies ConfigurationKey<string>,
  traces_sample_ratio: {
    type: 'a number from 0 to 1',
    placeholder: 'ratio',
    rule: () => z.number().min(0).max(1),
    fallback: 1,
    readBy: 'both',
    meaning:
      'which part of the traces that begin here is recorded. One that a caller began is recorded if the caller says so',
  } satisfies ConfigurationKey<number>,
} as const;

/** The receiver that the standard variables of OpenTelemetry name, and the variable; null if they name none. */
export function standardEndpoint(environment: Environment): { readonly variable: string; readonly url: string } | null {
  if (environment.OTEL_SDK_DISABLED === 'true' || environment.OTEL_TRACES_EXPORTER === 'none') return null;
  for (const variable of ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT']) {
    const url = environment[variable];
    if (url) return { variable, url };
  }
  return null;
}
