/** The file of roles and bindings, read at the start and looked at again while a conductor runs. */
import { parseDocument } from 'yaml';
import type { Clock } from '../../core/clock.ts';
import { fail } from '../../core/errors.ts';
import { sleep } from '../../core/signals.ts';
import { openSmallFile } from '../../core/small_file.ts';
import { Access } from '../../server/access/access.ts';
import { type AccessRules, parseAccess } from '../../server/access/access_file.ts';
import { wordsOfYamlFault } from '../shared/yaml_fault.ts';
import { LOOK_AGAIN_MS } from './tls_watch.ts';

/** What watching needs. */
interface WatchParts {
  readonly clock: Clock;
  readonly log: { info(fields: object, message: string): void; error(fields: object, message: string): void };
}

/**
 * The rights of callers as the file at `path` says, which is read again every five seconds until the abort. A new file that is wrong
 * changes nothing, and the log says why. A pipe is read once.
 * @param path null: there is no file, and every caller that is known may do everything
 * @throws CONFIGURATION_INVALID if the file is wrong now
 */
export function watchAccess(path: string | null, { clock, log }: WatchParts, signal: AbortSignal): Access {
  if (path === null) return new Access(null);
  const textNow = openSmallFile(path, ({ code }) => fail('CONFIGURATION_INVALID', `${path} cannot be read (${code})`));
  let text = textNow();
  let problem = '';
  const access = new Access(parse(text, path));
  const look = (): void => {
    try {
      const next = textNow();
      if (next === text) {
        problem = '';
        return;
      }
      const rules = parse(next, path);
      text = next;
      problem = '';
      access.replace(rules);
      log.info({ path, bindings: rules.bindings }, 'new roles are in force');
    } catch (error) {
      const reason = (error as Error).message;
      if (reason !== problem) log.error({ reason }, 'the new roles cannot be used; those read before stay in force');
      problem = reason;
    }
  };
  const lookOn = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(LOOK_AGAIN_MS, clock, signal).catch(() => {});
      if (!signal.aborted) look();
    }
  };
  void lookOn();
  return access;
}

function parse(text: string, path: string): AccessRules {
  const document = parseDocument(text);
  let value: unknown;
  try {
    if (document.errors[0]) throw document.errors[0];
    value = document.toJS();
  } catch (error) {
    throw fail('CONFIGURATION_INVALID', `${path} is not valid YAML: ${wordsOfYamlFault(error)}`);
  }
  return parseAccess(value, path);
}
