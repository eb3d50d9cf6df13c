/** Conductors and agents in processes of their own that are killed, or stopped, or do not start. */
import '../e2e/kills.test.ts';
import '../e2e/late_abort.test.ts';
import '../e2e/lease.test.ts';
import '../e2e/no_route.test.ts';
import '../e2e/graceful_stop.test.ts';
import '../e2e/shutdown.test.ts';
import '../e2e/bad_start.test.ts';
import '../e2e/many_sessions.test.ts';
