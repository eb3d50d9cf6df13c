/** The compiled contract, for what reads it while the conductor runs. */
import { readFileSync } from 'node:fs';

const IMAGE = new URL('../../gen/image.binpb', import.meta.url);

/** All proto files, imports included, as a FileDescriptorSet: what `npm run generate` leaves. Read anew at each call. */
export const contractImage = (): Buffer => readFileSync(IMAGE);
