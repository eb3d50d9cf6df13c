/** One PostgreSQL for all that is about it, one test after the other: some kill it. */
import '../contract/postgres.test.ts';
import '../server/store/postgres.test.ts';
import '../server/store/postgres_silence.test.ts';
import '../e2e/postgres.test.ts';
import '../e2e/bad_postgres.test.ts';
import '../e2e/database_copy.test.ts';
import '../e2e/takeover.test.ts';
