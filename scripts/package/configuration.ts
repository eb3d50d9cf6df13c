/** The configuration files of the Debian package: every key as a comment, from the table of keys. */
import { CONFIGURATION_KEYS, type KeyName, keysReadBy } from '../../src/cli/daemon/configuration_keys.ts';
import type { ConfigurationKey } from '../../src/cli/daemon/configuration_kinds.ts';

/** What the package sets, as its daemons run as a user of their own. */
const SET: Partial<Record<KeyName, string>> = {
  data: '/var/lib/countermand',
  secrets_dir: '/etc/countermand/secrets',
};

/** Markdown of the table, as plain text. */
const plain = (text: string): string => text.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll('`', '');

function linesOf(name: KeyName): string[] {
  const { fallback, fallbackWords = '', meaning }: ConfigurationKey = CONFIGURATION_KEYS[name];
  const set = SET[name];
  if (set !== undefined) return [`# ${plain(meaning)}`, `${name}: ${set}`, ''];
  if (fallback === undefined) return [`# ${plain(meaning)}; default: ${plain(fallbackWords)}`, `#${name}:`, ''];
  return [`# ${plain(meaning)}`, `#${name}: ${fallback}`, ''];
}

/** The file of a daemon; the conductor has an agent inside, and reads the keys of both. */
export function configurationOf(daemon: 'conductor' | 'agent'): string {
  const keys = daemon === 'agent' ? keysReadBy('agent') : (Object.keys(CONFIGURATION_KEYS) as KeyName[]);
  const unit = daemon === 'agent' ? 'countermand-agent.service' : 'countermand.service';
  const head = `# Read by ${unit} when it starts; man 5 countermand.yaml. What is commented out has its default.`;
  return `${[head, '', ...keys.flatMap(linesOf)].join('\n').trimEnd()}\n`;
}
