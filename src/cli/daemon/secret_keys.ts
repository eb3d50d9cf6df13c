/** The configuration keys about secrets: how they are kept by a conductor, and where an agent finds and uses them. */
import * as z from 'zod';
import { type ConfigurationKey, file, folder, seconds, secretPlace } from './configuration_kinds.ts';
import { isVaultAddress } from './vault.ts';

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
  bmc_ca_dir: folder({
    fallbackWords: 'none: `_verify_ca` is true or false',
    readBy: 'agent',
    meaning:
      'the folder below which `_verify_ca` of driver_info names PEM files, or folders of them, also by absolute paths; nothing else is read for it',
  }),
  secrets_dir: folder({
    fallbackWords: 'none: no `file:` value can be read',
    readBy: 'both',
    meaning: 'the folder below which `file:NAME` values of driver_info, and of the settings of sinks, are read',
  }),
  vault_address: {
    type: 'an https URL such as https://vault.example:8200, or an http URL of this host',
    placeholder: 'url',
    rule: () => z.string().refine(isVaultAddress),
    // What is no such URL may have a password or a token in it.
    hidden: true,
    fallbackWords: 'none: no `vault:` value can be read',
    readBy: 'both',
    meaning:
      'where `vault:MOUNT/PATH#KEY` values of driver_info, and of the settings of sinks, are read, from a key-value engine of version 2',
  } satisfies ConfigurationKey<string>,
  vault_token_file: file({
    fallbackWords: 'none',
    readBy: 'both',
    meaning: 'file with the token for Vault. It is read at each question, so that a Vault Agent or others can renew it',
  }),
  vault_role_id_file: file({
    fallbackWords: 'none',
    readBy: 'both',
    meaning:
      'file with the role_id of an AppRole, in place of `vault_token_file`. The agent logs in, and renews its token',
  }),
  vault_secret_id_file: file({
    fallbackWords: 'none',
    readBy: 'both',
    meaning: 'file with the secret_id of the AppRole. It is read at each login',
  }),
  vault_ca: file({
    fallbackWords: 'the authorities that Node.js knows',
    readBy: 'both',
    meaning: 'PEM file with the authorities that may vouch for Vault',
  }),
  vault_namespace: {
    type: 'a text of 1 to 255 characters',
    placeholder: 'namespace',
    rule: () => z.string().min(1).max(255),
    fallbackWords: 'none',
    readBy: 'both',
    meaning: 'the namespace of Vault Enterprise',
  } satisfies ConfigurationKey<string>,
  vault_timeout: seconds(0.1, { fallback: 5, readBy: 'both', meaning: 'how long Vault may take for an answer' }),
  vault_cache: seconds(0, {
    fallback: 300,
    readBy: 'both',
    meaning: 'how long a secret of Vault is kept in the memory of the agent before it is read again',
  }),
  sink_access: file({
    fallbackWords:
      'none: sinks may reach every address but those of the link, such as 169.254.169.254, and speak without TLS on this host only',
    readBy: 'conductor',
    meaning:
      'YAML file that says which addresses sinks may send events to, where which secret may be used, and where they may speak without TLS: see [sinks](sinks.md#where-a-sink-may-go)',
  }),
  bmc_access: file({
    fallbackWords: 'none: every address may be reached, and every secret be used there',
    readBy: 'agent',
    meaning:
      'YAML file that says which BMC networks the agent may reach, where it may use which secret, and where http and unverified certificates are allowed: see [security](security.md#where-an-agent-may-go)',
  }),
} as const satisfies Record<string, ConfigurationKey<never> | ConfigurationKey<string> | ConfigurationKey<number>>;
