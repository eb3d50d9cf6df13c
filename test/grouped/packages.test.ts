/** What users install: one bundle and one tarball for all that is about them. */
import '../cli/bundle.test.ts';
import '../package/notices.test.ts';
import '../package/pack.test.ts';
import '../package/debian.test.ts';
