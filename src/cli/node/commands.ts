/** `countermand node ...`. */
import type { Command } from 'commander';
import type { Terminal } from '../shared/terminal.ts';
import { addChanges, addReport } from './changes.ts';
import { addAccept, addCreate, addDelete, addSet, addValidate } from './enrolment.ts';
import { addHistory } from './history.ts';
import { addList } from './list.ts';
import { addPower } from './power.ts';
import { addRefresh, addShow, addSupported, addWatch, addWhy } from './reading.ts';

const COMMANDS = [
  addCreate,
  addList,
  addShow,
  addSet,
  addAccept,
  addDelete,
  addValidate,
  addSupported,
  addPower,
  addRefresh,
  addWatch,
  addWhy,
  addHistory,
  addChanges,
  addReport,
];

const EXAMPLES = `
Examples:
  countermand node create r7n1 --driver ipmi --info ipmi_address=10.0.7.1 ipmi_username=admin ipmi_password=env:COUNTERMAND_SECRET_R7
  countermand node power r7n1 soft_off --timeout 300 --reason "rack work"
  countermand node power 'r7n[1-64]' soft_off --max-parallel 8
  countermand node refresh 'r7n[1-16]'
  countermand node set -l rack=7 --maintenance on --maintenance-reason "rack work"`;

/** Adds the commands of the group `node`. */
export function addNodeCommands(group: Command, terminal: Terminal): void {
  group.addHelpText('after', EXAMPLES);
  for (const add of COMMANDS) add(group, terminal);
}
