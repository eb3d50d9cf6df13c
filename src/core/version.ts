/** The version of the product. */
import manifest from '../../package.json' with { type: 'json' };

/** As package.json has it, for example "0.2.0". */
export const VERSION: string = manifest.version;
