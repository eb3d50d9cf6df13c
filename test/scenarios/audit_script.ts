/** The commands of scenarios that are about audits, and how audits are told. */
import { asCountermandError, fail } from '../../src/core/errors.ts';
import type { WantedAudit } from '../../src/server/audits/request.ts';
import { changeNode } from '../../src/server/nodes/enrolment.ts';
import { getAudit, listPlansOf } from '../../src/server/store/audits.ts';
import type { AuditRow } from '../../src/server/store/plan_rows.ts';
import { type Playing, planLine } from './plan_script.ts';

type AuditCommand = (playing: Playing, words: readonly string[]) => Promise<void>;

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const KEYS = ['strategy', 'goal', 'nodes', 'without', 'where', 'every', 'id'];

function readWord(word: string): unknown {
  return word !== '' && Number.isFinite(Number(word)) ? Number(word) : word.replaceAll('_', ' ');
}

/** `nodes=n[1-3] without=n2 where=idle:true`: nodes, all but these, or those with this label. */
function scopeOf({ nodes, without, where }: Record<string, string>): WantedAudit['scope'] {
  const [label = '', value = ''] = where?.split(':') ?? [];
  const section = [
    ...(nodes ? [{ nodes: [nodes] }] : []),
    ...(where ? [{ labels: { [label]: value } }] : []),
    ...(without ? [{ exclude: [{ nodes: [without] }] }] : []),
  ];
  return section.length === 0 ? [] : [{ baremetal: section }];
}

const ORDERS: Readonly<Record<string, AuditCommand>> = {
  create: async ({ world, say }, [name = '', ...words]) => {
    const pairs = words.filter((word) => word.includes('=')).map((word) => word.split('=') as [string, string]);
    const named = Object.fromEntries(pairs.filter(([key]) => KEYS.includes(key)));
    const parameters = pairs.filter(([key]) => !KEYS.includes(key)).map(([key, word]) => [key, readWord(word)]);
    const intervalMs = named.every === undefined ? null : Number(named.every) * 1000;
    const { audit } = await world.conductor.audits.create({
      name,
      requestId: named.id ?? world.chance.uuid(),
      auditType: intervalMs === null ? 'ONESHOT' : 'CONTINUOUS',
      strategy: named.strategy ?? '',
      goal: named.goal ?? '',
      parameters: Object.fromEntries(parameters),
      scope: scopeOf(named),
      ...(words.includes('all') && { all: true }),
      intervalMs,
      autoTrigger: words.includes('trigger'),
      maxParallel: 0,
      onFailure: 'STOP',
    });
    say(`answer: ${auditLine(audit)}`);
  },
  cancel: async ({ world, say }, [name = '']) => say(`answer: ${auditLine(await world.conductor.audits.cancel(name))}`),
  suspend: async ({ world, say }, [name = '']) =>
    say(`answer: ${auditLine(await world.conductor.audits.suspend(name))}`),
  resume: async ({ world, say }, [name = '']) => say(`answer: ${auditLine(await world.conductor.audits.resume(name))}`),
  delete: async ({ world, say }, [name = '']) => say(`answer: ${auditLine(await world.conductor.audits.delete(name))}`),
  /** The audit and its plans as the rows have them. */
  show: async ({ world, say }, [name = '']) => {
    const { read } = world.database;
    const audit = await getAudit(name, read);
    const due = audit.nextRunAt === null ? '' : `, due at ${new Date(audit.nextRunAt).toISOString()}`;
    say(`${auditLine(audit)}${due}`);
    for (const plan of await listPlansOf(audit.uuid, [], 100, read)) {
      const efficacy = plan.globalEfficacy
        .map(({ name: what, value, unit }) => ` ${what}=${value}${unit ?? ''}`)
        .join('');
      say(`  ${planLine(plan)}${efficacy}`);
    }
  },
  /** Starts the plan that was made last. */
  start: async ({ world }, [name = '']) => {
    const { read } = world.database;
    const [plan] = await listPlansOf((await getAudit(name, read)).uuid, [], 1, read);
    await world.conductor.plans.start(plan?.uuid ?? '', false);
  },
};

/** The commands about audits. */
export const AUDIT_COMMANDS: Readonly<Record<string, AuditCommand>> = {
  /**
   * `audit create nightly strategy=saving_energy reserve=1 nodes=n[1-3] every=600 trigger`, `audit show nightly`,
   * `audit start nightly`, and suspend, resume, cancel, delete. `all` in the place of nodes says that every node is meant.
   * What is no key of ours is a parameter.
   */
  audit: async (playing, [verb = '', ...words]) => {
    const order = ORDERS[verb];
    if (!order) throw new Error(`there is no command 'audit ${verb}'`);
    await order(playing, words).catch((thrown: unknown) => {
      const { code, message } = asCountermandError(thrown);
      throw fail(code, message.replaceAll(UUID, 'UUID'));
    });
  },
  /** `label n1 idle=true`. */
  label: async ({ world }, [node = '', ...words]) => {
    const setLabels = Object.fromEntries(words.map((word) => word.split('=') as [string, string]));
    const nothing = { removeLabels: [], setDriverInfo: {}, removeDriverInfo: [] };
    await changeNode({ node, setLabels, ...nothing }, world.conductor);
  },
};

/** An audit in one line. */
function auditLine({ name, state, statusMessage }: AuditRow): string {
  return `audit ${name} ${state}${statusMessage === '' ? '' : `: ${statusMessage}`}`;
}
