/** Stories that are played once for each of their moments, in worlds in which a process dies or a disk fails there: one test after the other. */
import '../server/plans/weaknesses.test.ts';
import '../server/store/database_failures.test.ts';
import '../server/nodes/cluster_model.test.ts';
