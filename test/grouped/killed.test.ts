/** Conductors and agents in processes of their own that are killed, or stopped, or do not start. */
import '../e2e/kill_in_aborting.test.ts';
import '../e2e/kill_in_confirming.test.ts';
import '../e2e/kill_in_sending.test.ts';
import '../e2e/kill_plan_cancelling.test.ts';
import '../e2e/kill_plan_running.test.ts';
import '../e2e/late_abort.test.ts';
import '../e2e/lease.test.ts';
import '../e2e/no_route.test.ts';
import '../e2e/graceful_stop.test.ts';
import '../e2e/shutdown.test.ts';
import '../e2e/bad_start.test.ts';
import '../e2e/many_sessions.test.ts';
