/** `countermand audit template ...`: what audits are made from again and again. */
import type { Command } from 'commander';
import { fail } from '../../core/errors.ts';
import {
  AuditTemplate,
  CreateAuditTemplateResponse,
  DeleteAuditTemplateResponse,
  GetAuditTemplateResponse,
} from '../../gen/countermand/v1/audit.ts';
import { asking, type Call, present, upTo } from '../shared/asking.ts';
import { confirmAbout, type Yes, yesOption } from '../shared/confirming.ts';
import { addListFlags, type ListFlags, type Listing, showList } from '../shared/listing.ts';
import { addSelectors, type SelectorFlags } from '../shared/selection.ts';
import { shortId } from '../shared/short_ids.ts';
import { facts } from '../shared/table.ts';
import type { Terminal } from '../shared/terminal.ts';
import { ageWords } from '../shared/words.ts';
import { scopeOfSelectors } from './scope.ts';

const WHICH_TEMPLATE = 'name or uuid of the template; the first 8 digits of its uuid are enough';

const TEMPLATE_LIST: Listing<AuditTemplate> = {
  things: 'audit templates',
  type: AuditTemplate,
  name: ({ uuid }) => uuid,
  columns: [
    { head: 'NAME', cell: ({ name }) => name, cuts: true },
    { head: 'TEMPLATE', cell: ({ uuid }) => shortId(uuid), narrow: true },
    { head: 'TEMPLATE', cell: ({ uuid }) => uuid, wide: true },
    { head: 'GOAL', cell: ({ goal }) => goal },
    { head: 'STRATEGY', cell: ({ strategy }) => strategy },
    {
      head: 'AGE',
      cell: ({ createdAt }, { nowMs }) => ageWords(createdAt, nowMs),
      key: ({ createdAt }) => -(createdAt?.getTime() ?? 0),
      spare: 1,
    },
    { head: 'DESCRIPTION', cell: ({ description }) => description, cuts: true },
  ],
};

interface CreateOptions extends SelectorFlags {
  readonly strategy?: string;
  readonly goal?: string;
  readonly description?: string;
  readonly nodes?: readonly string[];
  readonly uuid?: string;
}

async function create(name: string, options: CreateOptions, call: Call): Promise<void> {
  const { strategy, goal, description, uuid, nodes = [], ...selectors } = options;
  if (selectors.all) throw fail('ARGUMENT_INVALID', '--all is not kept in a template: give it when an audit is made');
  const { scope = [] } = await scopeOfSelectors(nodes, selectors, call);
  const request = { name, strategy, goal, description, uuid, scope: [...scope] };
  const answer = await call.conductor.audits.createAuditTemplate(request);
  const template = present(answer.auditTemplate, 'an audit template');
  call.output.message(CreateAuditTemplateResponse, answer, () => templateLine(template));
}

const templateLine = ({ name, uuid, goal, strategy }: AuditTemplate): string =>
  `audit template '${name}' (${shortId(uuid)}): goal ${goal}${strategy && `, strategy ${strategy}`}`;

async function list(flags: ListFlags, call: Call): Promise<void> {
  const ask = (): Promise<AuditTemplate[]> =>
    upTo(undefined, async (pageToken, pageSize) => {
      const answer = await call.conductor.audits.listAuditTemplates({ pageSize, pageToken });
      return { items: answer.auditTemplates, nextPageToken: answer.nextPageToken };
    });
  await showList(TEMPLATE_LIST, ask, flags, call);
}

async function show(name: string, _options: object, { conductor, output }: Call): Promise<void> {
  const answer = await conductor.audits.getAuditTemplate({ auditTemplate: name });
  const template = present(answer.auditTemplate, 'an audit template');
  output.message(GetAuditTemplateResponse, answer, () =>
    facts([
      ['template', template.uuid],
      ['name', template.name],
      ['description', template.description],
      ['goal', template.goal],
      ['strategy', template.strategy || 'the only one for the goal'],
      ['scope', template.scope.length === 0 ? 'none; an audit gives its own' : JSON.stringify(template.scope)],
      ['made', output.time(template.createdAt)],
    ]),
  );
}

async function forget(name: string, { yes }: { readonly yes?: Yes }, call: Call): Promise<void> {
  const { audits } = call.conductor;
  const what = `this would delete audit template '${name}' for good; audits that were made from it stay`;
  await confirmAbout(what, yes, () => audits.getAuditTemplate({ auditTemplate: name }), call);
  const answer = await audits.deleteAuditTemplate({ auditTemplate: name });
  call.output.message(DeleteAuditTemplateResponse, answer, () => `audit template ${name}: deleted`);
}

/** Adds the group `audit template`. */
export function addTemplates(audit: Command, terminal: Terminal): void {
  const group = audit.command('template').description('keep a goal, a strategy and a scope under a name');
  const command = group
    .command('create')
    .description('make a template from flags')
    .argument('<name>', 'its name')
    .option('--strategy <name>', 'the strategy of its audits')
    .option('--goal <name>', 'their goal; alone it means the only strategy for it')
    .option('--description <text>', 'what it is for')
    .option('--nodes <range...>', "the nodes that its audits are about, such as 'r7n[1-16]'")
    .option('--uuid <uuid>', 'its uuid; made if not given');
  addSelectors(command).action(asking(create, terminal));
  addListFlags(group.command('list').description('list the templates, the newest first'), TEMPLATE_LIST).action(
    asking(list, terminal),
  );
  group
    .command('show')
    .description('show all that is known of a template')
    .argument('<template>', WHICH_TEMPLATE)
    .action(asking(show, terminal));
  group
    .command('delete')
    .description('delete a template; audits that were made from it stay')
    .argument('<template>', WHICH_TEMPLATE)
    .addOption(yesOption())
    .action(asking(forget, terminal));
}
