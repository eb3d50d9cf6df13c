/** A conductor on a database of its own: it leads from its start to its end. */
import { asCountermandError, type CountermandError } from '../../core/errors.ts';
import { onAbort } from '../../core/signals.ts';
import { ALONE } from '../../server/agents/leading.ts';
import { openConfigured } from './open_database.ts';
import { openPorts, type PortParts } from './ports.ts';
import { SHUT_DOWN, sayWhere, startTerm, type TermParts } from './term.ts';

/**
 * Runs a conductor on the file in its data folder until the terminal's signal is aborted.
 * @throws as `openConfigured`; LISTEN_FAILED; and DATABASE_TAKEN or DATABASE_DAMAGED when that happens while it runs
 */
export async function runAlone(parts: TermParts & PortParts): Promise<void> {
  const { log, terminal, configuration } = parts;
  const { dataFolder } = configuration;
  const { database } = await openConfigured(configuration, terminal);
  try {
    const always = (): number => Number.POSITIVE_INFINITY;
    const term = await startTerm(
      { database, leading: ALONE, restMs: always, embeddedMayActMs: 0, elected: null },
      parts,
    );
    const stopped = new Promise<null>((resolve) => onAbort(terminal.signal, () => resolve(null)));
    const ended = Promise.race([stopped, database.lost]);
    let lost: CountermandError | null = null;
    let close = async (): Promise<void> => {};
    try {
      const ports = await openPorts(parts);
      close = ports.close;
      // Whoever reads this can give orders: the agent is there.
      await Promise.race([term.attached, ended]);
      sayWhere(ports, `data in ${dataFolder}`, parts);
      lost = await ended;
      log.info({ reason: asCountermandError(lost ?? terminal.signal.reason).message }, 'the conductor stops');
    } finally {
      const why = { error: lost ?? SHUT_DOWN, grpc: null, http: null };
      await (lost === null ? term.end(why) : term.drop(why));
      parts.ending.at('the ports');
      await close();
    }
    log.info({}, 'the conductor has stopped');
    if (lost !== null) throw lost;
  } finally {
    parts.ending.at('the database');
    await database.close();
  }
}
