/** YAML for programs and people. Only `-o yaml` loads it. */
import { stringify } from 'yaml';

/** A list as YAML, each thing with all of its keys. */
export function yamlOf(items: readonly unknown[]): string {
  return stringify(items).trimEnd();
}
