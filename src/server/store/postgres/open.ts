/** What is loaded when the configuration names a PostgreSQL database, and only then: `pg` takes its time. */
export { readPostgresUrl } from './address.ts';
export { continueNumbers, openPostgres } from './database.ts';
export { readAtOneMoment } from './snapshot.ts';
export { openElections } from './stand_by.ts';
