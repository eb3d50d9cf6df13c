/** Reads a file of nodes: YAML, JSON or CSV, in our own form or in one that others write. */
import { fail } from '../../core/errors.ts';
import { type FileKind, isObject, nameOfFile, parseValues, readText, refuseDoubledKey } from '../shared/order_file.ts';
import type { Terminal } from '../shared/terminal.ts';
import { parseCsv } from './csv.ts';
import { maasNode, tripleoNode } from './foreign_forms.ts';
import { ownNode } from './own_form.ts';
import { type Item, Notes, openItem, type WantedNode } from './wanted.ts';

const KIND: FileKind = {
  what: 'node',
  code: 'ARGUMENT_INVALID',
  tooLarge: '32 MB, the most that is taken; make several files of it',
};

/** How a file is written. */
export type Format = 'yaml' | 'json' | 'csv';

/** The nodes of a file, and what was found on the way. */
export interface NodesOfFile {
  readonly nodes: readonly WantedNode[];
  readonly notes: Notes;
}

/**
 * Reads a file; `-` is stdin. Rejects at the abort with its reason.
 * @param format as its name says if left out: CSV for `.csv`, else YAML or JSON
 * @throws ARGUMENT_INVALID if it cannot be read, or is not what its format says
 */
export async function readNodes(path: string, format: Format | undefined, terminal: Terminal): Promise<NodesOfFile> {
  return nodesOf(
    await readText(path, KIND, terminal),
    nameOfFile(path),
    format ?? (/\.csv$/i.test(path) ? 'csv' : 'yaml'),
  );
}

/** The nodes that a text says. @throws ARGUMENT_INVALID as `readNodes` */
export function nodesOf(content: string, path: string, format: Format): NodesOfFile {
  const notes = new Notes();
  const nodes = format === 'csv' ? nodesOfTable(content, path, notes) : nodesOfValues(content, path, notes);
  checkTogether(nodes, notes);
  return { nodes, notes };
}

/** Keys beside the list of nodes, in the files of Ironic and TripleO, that are about other things. */
const BESIDE = `arch chassis deploy_templates host-ip portgroups ports power_manager runbooks seed-ip ssh-key ssh-user`;
const HARMLESS: ReadonlySet<string> = new Set(BESIDE.split(' '));

function nodesOfValues(content: string, path: string, notes: Notes): WantedNode[] {
  const values = parseLines(content, path) ?? parseValues(content, path, KIND, true);
  return listIn(values, path, notes).flatMap((value, at) => nodeOf(value, `nodes[${at}]`, notes) ?? []);
}

/** One JSON object on each line, as --json prints them; null if the text is something else. */
function parseLines(content: string, path: string): unknown[] | null {
  const lines = content.split('\n').filter((line) => line.trim() !== '');
  if (lines.length < 2 || !lines.every((line) => line.startsWith('{') && line.trimEnd().endsWith('}'))) return null;
  for (const line of lines) refuseDoubledKey(line, path, KIND);
  try {
    return lines.map((line) => JSON.parse(line));
  } catch {
    return null;
  }
}

function listIn(values: unknown, path: string, notes: Notes): readonly unknown[] {
  if (Array.isArray(values)) return values;
  if (isObject(values) && Array.isArray(values.nodes)) {
    const { nodes, ...beside } = values;
    openItem(beside, path, notes)?.end(HARMLESS);
    return values.nodes;
  }
  if (isObject(values) && FORMS.some(({ key }) => key in values)) return [values];
  throw fail('ARGUMENT_INVALID', `${path}: it must be a list of nodes, or nodes: and such a list`);
}

/** How a form is told, in this order, and its reader. The last is our own and Ironic's. */
const FORMS: readonly { readonly key: string; readonly read: (item: Item, notes: Notes) => WantedNode }[] = [
  { key: 'pm_type', read: tripleoNode },
  { key: 'power_type', read: maasNode },
  { key: 'system_id', read: maasNode },
  { key: 'Driver', read: ownNode },
  { key: 'driver', read: ownNode },
];

/** The command of Ironic prints titles: `Driver Info` is driver_info. */
const keyOfTitle = (title: string): string => title.toLowerCase().replaceAll(' ', '_');

function nodeOf(value: unknown, place: string, notes: Notes): WantedNode | null {
  const form = isObject(value) ? FORMS.find(({ key }) => key in value) : undefined;
  const isTitled = isObject(value) && Object.keys(value).some((key) => /^[A-Z]/.test(key));
  const item = openItem(value, place, notes, isTitled ? keyOfTitle : undefined);
  return item && (form?.read ?? ownNode)(item, notes);
}

/** The columns of a table that are keys of a node; others are `driver_info.KEY`, `labels.KEY`, or a key that begins with the driver. */
const COLUMNS: readonly string[] = ['name', 'uuid', 'driver', 'zone', 'maintenance', 'maintenance_reason'];

function nodesOfTable(content: string, path: string, notes: Notes): WantedNode[] {
  const [head, ...rows] = rowsOf(content, path);
  if (head === undefined) throw fail('ARGUMENT_INVALID', `${path}: it is empty; its first line names the columns`);
  const columns = head.fields.map((column) => column.trim());
  const other = [';', '\t', '|'].find((sign) => columns.length === 1 && columns[0]?.includes(sign));
  if (other !== undefined)
    throw fail(
      'ARGUMENT_INVALID',
      `${path}: line ${head.line}: the columns are separated by ${JSON.stringify(other)}; separate them by commas`,
    );
  const twice = columns.find((column, at) => columns.indexOf(column) < at);
  if (twice !== undefined)
    throw fail('ARGUMENT_INVALID', `${path}: line ${head.line}: the column '${twice}' appears twice`);
  const whole = columns.find((column) => column === 'labels' || column === 'driver_info');
  if (whole !== undefined)
    throw fail(
      'ARGUMENT_INVALID',
      `${path}: line ${head.line}: the column '${whole}' names no key; each key has a column of its own, ${whole}.KEY`,
    );
  return rows.flatMap(({ line, fields }) => {
    const place = `line ${line}`;
    if (fields.length !== columns.length)
      notes.fault(place, `${fields.length} fields, and there are ${columns.length} columns`);
    const values = valuesOfRow(columns, fields);
    const advice = `a column of driver_info begins with the driver of the node, '${values.driver ?? 'DRIVER'}_', or is driver_info.KEY; a label is labels.KEY`;
    const item = openItem(values, place, notes, undefined, advice);
    return item ? [ownNode(item, notes)] : [];
  });
}

function rowsOf(content: string, path: string): ReturnType<typeof parseCsv> {
  try {
    return parseCsv(content);
  } catch (error) {
    throw fail('ARGUMENT_INVALID', `${path}: ${(error as Error).message}`);
  }
}

function valuesOfRow(columns: readonly string[], fields: readonly string[]): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const inner: Record<string, Record<string, string>> = { driver_info: {}, labels: {} };
  const driver = fields[columns.indexOf('driver')]?.trim() || '?';
  for (const [at, column] of columns.entries()) {
    const field = fields[at] ?? '';
    const [, part = '', key = ''] = /^(driver_info|labels)\.(.+)$/.exec(column) ?? [];
    if (field === '') continue;
    if (part !== '') (inner[part] as Record<string, string>)[key] = field;
    else if (!COLUMNS.includes(column) && column.startsWith(`${driver}_`))
      (inner.driver_info as Record<string, string>)[column] = field;
    else values[column] = COLUMNS.includes(column) ? field.trim() : field;
  }
  return { ...values, ...inner };
}

/** What each node needs, and what two of them cannot share. */
function checkTogether(nodes: readonly WantedNode[], notes: Notes): void {
  const [names, uuids] = [new Map<string, string>(), new Map<string, string>()];
  for (const { place, name, uuid, driver } of nodes) {
    if (name === '') notes.fault(place, 'it has no name; a node has one');
    if (driver === '') notes.fault(place, 'it has no driver, such as ipmi');
    const twin = names.get(name) ?? (uuid === '' ? undefined : uuids.get(uuid));
    if (name !== '' && twin !== undefined) notes.fault(place, `'${name}' is also at ${twin}`);
    names.set(name, place);
    if (uuid !== '') uuids.set(uuid, place);
  }
}

/** At most this many faults are told at once. */
const SHOWN = 20;

/** Refuses a file that has faults. Call it before anything is written. @throws ARGUMENT_INVALID with each fault and its place */
export function refuseFaults(path: string, { faults }: Notes): void {
  if (faults.length === 0) return;
  const more = faults.length > SHOWN ? [`and ${faults.length - SHOWN} more`] : [];
  const head = `${nameOfFile(path)}: ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}; nothing was written`;
  throw fail('ARGUMENT_INVALID', [head, ...faults.slice(0, SHOWN), ...more].join('\n  '));
}
