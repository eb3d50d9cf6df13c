/** The connections that read. */
import createKnex, { type Knex } from 'knex';
import type pg from 'pg';
import type { Clock } from '../../../core/clock.ts';
import type { CountermandError } from '../../../core/errors.ts';
import type { PostgresAddress } from './address.ts';
import { explainPostgres } from './errors.ts';
import { connectionTo, prepareReading } from './session.ts';
import { breakOffIfSilent } from './silence.ts';
import { SILENT } from './writing_connection.ts';

/** This many connections read. */
const READERS = 8;

/** The connections that read one database. */
export interface Readers {
  /** What it rejects with is an error that `Database` names. What a transaction rejects with is translated at its end. */
  readonly read: Knex;
  /** Nothing is read any more: what waits for an answer fails, and all else is refused with this error. */
  giveUp(error: CountermandError): void;
}

/** Connects at the first read. */
export function connectReaders(address: PostgresAddress, clock: Clock): Readers {
  const clients = new Set<pg.Client>();
  let over: CountermandError | null = null;
  const read = createKnex({
    client: 'pg',
    // The writing connection has looked. Without this, knex asks before `afterCreate`, and waits without a limit.
    version: '14',
    connection: connectionTo(address) as Knex.PgConnectionConfig,
    // An error names the statement, never the values that were bound: passwords are among them.
    compileSqlOnError: false,
    log: SILENT,
    pool: {
      min: 0,
      max: READERS,
      afterCreate: (client: pg.Client, done: (error: unknown, client: pg.Client) => void) => {
        clients.add(client);
        client.once('end', () => clients.delete(client));
        breakOffIfSilent(client, clock);
        prepareReading(client).then(
          () => done(null, client),
          (error) => done(error, client),
        );
      },
    },
  });
  explainErrors(read, (thrown) => over ?? explainPostgres(thrown, address));
  return {
    read,
    giveUp(error) {
      over ??= error;
      for (const client of clients) client.connection.stream.destroy();
      // It knows none of them any more, and makes no others.
      read.client.acquireConnection = () => Promise.reject(error);
    },
  };
}

function explainErrors({ client }: Knex, explain: (thrown: unknown) => unknown): void {
  const query = client.query.bind(client);
  const acquire = client.acquireConnection.bind(client);
  client.query = (connection: unknown, asked: unknown): Promise<unknown> =>
    query(connection, asked).catch((thrown: unknown) => {
      throw explain(thrown);
    });
  client.acquireConnection = (): Promise<unknown> =>
    acquire().catch((thrown: unknown) => {
      throw explain(thrown);
    });
}
