/** docs/configuration.md, from the table of keys. */
import {
  CONFIGURATION_KEYS,
  flagOf,
  KEY_NAMES,
  type KeyName,
  variableOf,
} from '../../src/cli/daemon/configuration_keys.ts';
import type { ConfigurationKey } from '../../src/cli/daemon/configuration_kinds.ts';
import { block, code, markdownTable, page } from './markdown.ts';

const EXAMPLE = `listen: 0.0.0.0:7077
tls_certificate: tls/server.pem
tls_key: tls/server.key
tls_client_ca: tls/ca.pem
data: /var/lib/countermand
sync_power_state_interval: 60`;

function rowOf(name: KeyName): string[] {
  const { type, fallback, fallbackWords, readBy, meaning }: ConfigurationKey = CONFIGURATION_KEYS[name];
  const byDefault = fallback === undefined ? (fallbackWords ?? '') : code(String(fallback));
  return [code(name), type, byDefault, readBy, meaning];
}

/** The page. */
export function printConfiguration(): string {
  const names = KEY_NAMES.map((name) => [code(name), code(variableOf(name)), code(flagOf(name))]);
  return page('Configuration', 'src/cli/daemon/configuration_keys.ts', [
    '`countermand serve` and `countermand agent` read one YAML file (`--config FILE`, or `COUNTERMAND_CONFIG`), ' +
      'environment variables and flags. Flags win over variables, variables over the file, the file over the defaults. ' +
      'All of it is checked at the start: an unknown key in the file, a wrong type or an impossible value ends the ' +
      'start with a sentence and exit code 2. Variables that belong to no key are not looked at; an empty one counts ' +
      'as absent. A relative path in the file begins at its own folder.',
    'SIGHUP (`systemctl reload countermand`) has it read again. `log_level` and the `*_keep` keys change at once; the log names the other keys that ' +
      'have changed, which need a restart. A configuration that is wrong changes nothing, and the log says why. The files that it names for certificates, ' +
      'roles, tokens, passwords and keys of JSON Web Tokens are looked at every few seconds by themselves.',
    block(EXAMPLE, 'yaml'),
    '## Keys',
    '`serve` is a conductor with an agent inside, and reads the keys of both.',
    markdownTable(['key', 'value', 'default', 'read by', 'meaning'], KEY_NAMES.map(rowOf)),
    '## Their variables and flags',
    markdownTable(['key', 'variable', 'flag'], names),
  ]);
}
