/** docs/drivers.md, from what the drivers say of themselves. */
import { systemChance } from '../../src/core/chance.ts';
import { systemClock } from '../../src/core/clock.ts';
import { isAbort, RECALL_WORDS, recallOf, TARGET_TABLE, type Target } from '../../src/core/power.ts';
import { type Driver, infoSchemaOf } from '../../src/drivers/driver.ts';
import { createDrivers } from '../../src/drivers/list.ts';
import { code, markdownTable, page } from './markdown.ts';

/** The part of a JSON Schema that the drivers' values have. */
interface ValueSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly const?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly anyOf?: readonly ValueSchema[];
  readonly writeOnly?: boolean;
}

function ruleOf(schema: ValueSchema): string {
  if (schema.anyOf) return schema.anyOf.map(ruleOf).join(' or ');
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.pattern !== undefined) return `text like ${code(schema.pattern)}`;
  return 'text';
}

function defaultOf(schema: ValueSchema, required: boolean): string {
  if (required) return 'required';
  return schema.default === undefined || schema.default === '' ? '' : code(String(schema.default));
}

function infoTable(driver: Driver): string {
  const { properties, required = [] } = infoSchemaOf(driver) as {
    properties: Record<string, ValueSchema>;
    required?: string[];
  };
  const rows = Object.entries(properties).map(([key, schema]) => [
    code(key),
    `${ruleOf(schema)}${schema.writeOnly ? '; secret' : ''}`,
    defaultOf(schema, required.includes(key)),
    schema.description ?? '',
  ]);
  return markdownTable(['driver_info', 'value', 'default', 'meaning'], rows);
}

function targetTable(driver: Driver): string {
  const recall = (target: Target): string => (isAbort(target) ? '' : RECALL_WORDS[recallOf(target, driver.recalls)]);
  const rows = driver.targets.map((target) => [target, code(TARGET_TABLE[target].word), recall(target)]);
  return markdownTable(['target', 'word', 'recall'], rows);
}

function chapter(driver: Driver): string[] {
  const reboot = driver.softRebootInOneCommand ? 'one command' : 'a soft power off, then a power on';
  const rest = `${driver.minCommandIntervalMs} ms between two commands to one BMC`;
  return [
    `## ${driver.name}`,
    `A soft reboot is ${reboot}. Rest: ${rest}, unless \`min_command_interval\` says otherwise.`,
    targetTable(driver),
    infoTable(driver),
  ];
}

/** The page. */
export function printDrivers(): string {
  return page('Drivers', 'src/drivers', [
    'A driver is how to talk to one family of BMCs. Its list of targets is narrowed for a node by asking the hardware, ' +
      'where that can be asked: `countermand node supported NODE`.',
    'The value of a secret key may be `file:NAME`, `env:NAME` or `vault:MOUNT/PATH#KEY`: it is read by the agent, below its `--secrets-dir`, from its own environment ' +
      '(`COUNTERMAND_SECRET_*`) or from [HashiCorp Vault](security.md#hashicorp-vault), and never reaches the conductor. Secrets are masked in every answer.',
    ...createDrivers({
      clock: systemClock,
      chance: systemChance,
      searchPath: '',
      ipmiKeepSessionMs: 0,
      bmcCaFolder: null,
      openFilesLimit: 0,
    }).flatMap(chapter),
  ]);
}
