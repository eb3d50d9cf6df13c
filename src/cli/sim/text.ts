/** What a simulator says when it listens: how its nodes are enrolled. */
import type { DriverInfo } from '../../drivers/driver.ts';
import { openOutput } from '../shared/output.ts';
import { quoted } from '../shared/pasting.ts';
import type { Terminal } from '../shared/terminal.ts';
import { firstNames } from '../shared/words.ts';

/** A pretended node, as it is enrolled. */
export interface SimNode {
  readonly name: string;
  readonly driver: string;
  readonly driverInfo: DriverInfo;
  /** It has the faults that were asked for. */
  readonly faulty: boolean;
}

/** How many faulty nodes are named; the others are counted. */
const NAMED = 5;

/** The command that enrols a node. */
export function enrolCommand({ name, driver, driverInfo }: SimNode): string {
  const info = Object.entries(driverInfo).map(([key, value]) => quoted(`${key}=${value}`));
  return `countermand node create ${name} --driver ${driver} --info ${info.join(' ')}`;
}

/** Which nodes have the faults; empty if all have them, or none. */
export function faultyText(nodes: readonly SimNode[]): string {
  const faulty = nodes.filter((node) => node.faulty).map(({ name }) => name);
  if (faulty.length === 0 || faulty.length === nodes.length) return '';
  return `faulty: ${firstNames(faulty, NAMED)}`;
}

/** Prints the nodes: for programs a line of JSON for each, for people `lines`. */
export function printNodes(
  nodes: readonly SimNode[],
  lines: readonly string[],
  json: boolean,
  { stdout, started }: Terminal,
): void {
  if (json) stdout.write(nodes.map((node) => `${JSON.stringify(node)}\n`).join(''));
  openOutput(json, stdout).say(lines.filter((line) => line !== '').join('\n'));
  started();
}
