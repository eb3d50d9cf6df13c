/** The configuration keys about secrets: how they are kept by a conductor, and where an agent finds and uses them. */
import { type ConfigurationKey, file, folder, secretPlace } from './configuration_kinds.ts';

/** A part of the table of keys. */
export const SECRET_KEYS = {
  secrets_key: secretPlace({
    fallbackWords: 'the file `secrets.key` in `data`, made at the first start',
    readBy: 'conductor',
    meaning:
      'the key with which the conductor seals driver_info in the database: 32 bytes in base64 or hexadecimal. Keep a copy of it, apart from backups of the database: without it they are worth nothing. Conductors that share a PostgreSQL database need the same key',
  }),
  secrets_key_previous: secretPlace({
    fallbackWords: 'none',
    readBy: 'conductor',
    meaning:
      'the key before `secrets_key`. What is sealed with it is sealed anew with `secrets_key` at the next start, or by `countermand secrets rotate`; after that it is not needed',
  }),
  secrets_dir: folder({
    fallbackWords: 'none: no `file:` value can be read',
    readBy: 'agent',
    meaning: 'the folder below which `file:NAME` values of driver_info are read',
  }),
  bmc_access: file({
    fallbackWords: 'none: every address may be reached, and every secret be used there',
    readBy: 'agent',
    meaning:
      'YAML file that says which BMC networks the agent may reach, where it may use which secret, and where http and unverified certificates are allowed: see [security](security.md#where-an-agent-may-go)',
  }),
} as const satisfies Record<string, ConfigurationKey<never> | ConfigurationKey<string> | ConfigurationKey<number>>;
