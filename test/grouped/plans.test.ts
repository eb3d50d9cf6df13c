/** More of what runs in the in-memory world, one test after the other, in a process beside that of `worlds`. */
import '../server/audits/audits.test.ts';
import '../server/audits/decided.test.ts';
import '../server/plans/offers.test.ts';
import '../server/plans/staleness.test.ts';
import '../server/power/possible.test.ts';
import '../server/power/freezes.test.ts';
import '../server/metrics/changes.test.ts';
import '../server/agents/bounds.test.ts';
import '../server/api/refreshes.test.ts';
import '../server/api/relay.test.ts';
import '../server/api/reading.test.ts';
import '../server/store/copy.test.ts';
import '../server/store/reserve.test.ts';
import '../http/stand_by.test.ts';
import '../contract/sqlite.test.ts';
import '../server/api/connections.test.ts';
