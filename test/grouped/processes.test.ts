/** More processes: what they tell their readers, terminals, disks and BMCs. */
import '../http/cut_connections.test.ts';
import '../e2e/lost_readers.test.ts';
import '../e2e/events.test.ts';
import '../e2e/secrets.test.ts';
import '../e2e/completion.test.ts';
import '../e2e/list_in_terminal.test.ts';
import '../e2e/bad_disk.test.ts';
import '../e2e/irmc_defects.test.ts';
import '../e2e/secret_references.test.ts';
import '../e2e/many_streams.test.ts';
