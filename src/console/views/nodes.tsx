/** The fleet at a glance: what needs a person, the counts, and every node. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { powerStateWord, problemWords, spanWords, targetWord } from '../../cli/shared/words.ts';
import { systemClock } from '../../core/clock.ts';
import type { GetStatusResponse } from '../../gen/countermand/v1/conductor.ts';
import type { Node } from '../../gen/countermand/v1/node.ts';
import type { PowerTask } from '../../gen/countermand/v1/power.ts';
import { useAsked, useHouse, useLink, useStream } from '../context.ts';
import { NODE_KINDS, type NodeKind, NodeTable } from '../node_table.ts';
import { Refused, Said, State } from '../parts/said.tsx';
import { type Column, VirtualTable } from '../parts/virtual.tsx';
import { addressOf } from '../place.ts';
import { labelTexts, powerTone, timeWords } from '../words.ts';
import { ManyOrders } from './many.tsx';

/** How long changes are gathered before the table is drawn anew. */
const GATHER_MS = 150;
/** The most holders that are asked about: of the others, only the order is shown. */
const HOLDERS = 1000;

/** The nodes as they are now, and how many times they have changed. */
function useNodes(total: number) {
  const { conductor } = useHouse();
  const table = useRef(new NodeTable()).current;
  const [version, setVersion] = useState(0);
  const isGathering = useRef(false);
  const { refused } = useStream(
    (signal) => conductor.nodes.watchNodes({ nodes: [] }, { signal }),
    (message) => {
      if (message === null) table.begin();
      else table.take(message);
      if (isGathering.current) return;
      isGathering.current = true;
      systemClock.after(GATHER_MS, () => {
        isGathering.current = false;
        setVersion((before) => before + 1);
      });
    },
    'every node',
  );
  useEffect(() => table.sweep(total), [table, total, version]);
  return { table, version, refused };
}

/** The power tasks that hold nodes, by their uuids. */
function useHolders(): ReadonlyMap<string, PowerTask> {
  const { conductor } = useHouse();
  const { answer } = useAsked(
    (signal) => conductor.power.listPowerTasks({ unsettled: true, pageSize: HOLDERS }, { signal }),
    'holders',
  );
  return useMemo(() => new Map((answer?.tasks ?? []).map((task) => [task.uuid, task])), [answer]);
}

/** The page. */
export function Nodes() {
  const { answer: status } = useLink();
  const { table, version, refused } = useNodes(status?.nodes?.total ?? 0);
  const holders = useHolders();
  const [text, setText] = useState('');
  const [kind, setKind] = useState<NodeKind>('all');
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set());
  const nowMs = systemClock.now();
  // The table is changed in place, and `version` says so; windows end with time.
  const rows = useMemo(() => table.rows({ text, kind }, nowMs), [version, text, kind, status]);
  const pick = (names: readonly string[], isPicked: boolean): void => {
    const next = new Set(picked);
    for (const name of names) isPicked ? next.add(name) : next.delete(name);
    setPicked(next);
  };
  const columns = columnsOf({ rows, picked, pick, holders, nowMs });
  return (
    <>
      <h1 tabIndex={-1}>Nodes</h1>
      <Problems status={status} />
      <Freezes />
      <Counts status={status} show={setKind} />
      <Refused sentence={refused} />
      <search class="tools">
        <label>
          Find
          <input type="search" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        </label>
        <label>
          Show
          <select value={kind} onChange={(event) => setKind(event.currentTarget.value as NodeKind)}>
            {Object.entries(NODE_KINDS).map(([value, words]) => (
              <option key={value} value={value}>
                {words}
              </option>
            ))}
          </select>
        </label>
        <output>{countWords(rows.length, table, status)}</output>
      </search>
      <ManyOrders picked={[...picked]} clear={() => setPicked(new Set())} />
      <VirtualTable
        label="Nodes"
        columns={columns}
        rows={rows}
        keyOf={({ uuid }) => uuid}
        empty={table.size === 0 ? 'No node has been told yet' : 'No node is like this'}
      />
    </>
  );
}

function countWords(shown: number, table: NodeTable, status: GetStatusResponse | null): string {
  const total = status?.nodes?.total ?? 0;
  if (table.told < total) return `reading: ${table.told.toLocaleString('en')} of ${total.toLocaleString('en')}`;
  return `${shown.toLocaleString('en')} of ${table.size.toLocaleString('en')} nodes`;
}

/** What needs an operator. */
function Problems({ status }: { readonly status: GetStatusResponse | null }) {
  const problems = status?.problems ?? [];
  if (problems.length === 0) return null;
  return (
    <section class="notice warn" aria-label="What needs an operator">
      <ul>
        {problems.map((problem) => (
          <li key={problem}>
            <Said text={problem} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The freezes that hold, for those who may see them. */
function Freezes() {
  const { conductor } = useHouse();
  const { answer } = useAsked((signal) => conductor.nodes.listFreezes({}, { signal }), 'freezes');
  if (answer === null || answer.freezes.length === 0) return null;
  return (
    <section class="notice warn" aria-label="What takes no orders">
      <ul>
        {answer.freezes.map(({ uuid, zone, labels, reason, createdBy, until }) => (
          <li key={uuid}>
            Frozen by <Said text={createdBy} />
            {until && ` until ${timeWords(until)}`}:{' '}
            <Said text={[zone && `zone ${zone}`, ...labelTexts(labels)].filter((part) => part !== '').join(', ')} />.{' '}
            <Said text={reason} />
          </li>
        ))}
      </ul>
    </section>
  );
}

interface CountsProps {
  readonly status: GetStatusResponse | null;
  show(kind: NodeKind): void;
}

/** The counts; each shows the nodes that it counts. */
function Counts({ status, show }: CountsProps) {
  const nodes = status?.nodes;
  if (nodes === undefined) return null;
  const counts: readonly (readonly [words: string, count: number, kind: NodeKind])[] = [
    ['nodes', nodes.total, 'all'],
    ['on', nodes.on, 'on'],
    ['off', nodes.off, 'off'],
    ['error or unknown', nodes.error + nodes.unknown, 'other'],
    ['not readable', nodes.unreadable, 'problem'],
    ['held', nodes.held, 'held'],
    ['in maintenance', nodes.maintenance, 'maintenance'],
  ];
  return (
    <ul class="counts" aria-label="Counts of nodes">
      {counts.map(([words, count, kind]) => (
        <li key={words}>
          <button type="button" onClick={() => show(kind)}>
            <strong>{count.toLocaleString('en')}</strong> {words}
          </button>
        </li>
      ))}
    </ul>
  );
}

interface ColumnParts {
  readonly rows: readonly Node[];
  readonly picked: ReadonlySet<string>;
  readonly holders: ReadonlyMap<string, PowerTask>;
  readonly nowMs: number;
  pick(names: readonly string[], isPicked: boolean): void;
}

function columnsOf(parts: ColumnParts): readonly Column<Node>[] {
  const { holders, nowMs } = parts;
  return [
    pickColumn(parts),
    {
      key: 'name',
      width: 'minmax(8rem, 1.2fr)',
      title: 'Node',
      cell: ({ name }) => (
        <a href={addressOf('nodes', name)}>
          <Said text={name} />
        </a>
      ),
    },
    {
      key: 'power',
      width: '7rem',
      title: 'Power',
      cell: ({ powerState }) => <State name={powerStateWord(powerState)} tone={powerTone(powerState)} />,
    },
    {
      key: 'held',
      width: 'minmax(10rem, 2fr)',
      title: 'Held by',
      cell: (node) => <Holder node={node} task={holders.get(node.heldBy)} />,
    },
    {
      key: 'window',
      width: '9rem',
      title: 'May change',
      cell: ({ mayStillChangeUntil }) => {
        const leftMs = (mayStillChangeUntil?.getTime() ?? 0) - nowMs;
        return leftMs > 0 ? `for ${spanWords(leftMs)}` : '';
      },
    },
    {
      key: 'problem',
      width: 'minmax(8rem, 2fr)',
      title: 'Problem',
      cell: ({ problem, lastError }) => <Said text={problemWords(problem, nowMs) || lastError} />,
    },
    { key: 'zone', width: 'minmax(5rem, 1fr)', title: 'Zone', cell: ({ zone }) => <Said text={zone} /> },
    {
      key: 'maintenance',
      width: 'minmax(6rem, 1fr)',
      title: 'Maintenance, freeze',
      cell: ({ maintenance, maintenanceReason, frozen }) => (
        <Said
          text={[frozen && `frozen ${frozen}`, maintenance && (maintenanceReason || 'yes')].filter(Boolean).join('; ')}
        />
      ),
    },
  ];
}

/** The boxes with which nodes are picked; the one above them picks all that are shown. */
function pickColumn({ rows, picked, pick }: ColumnParts): Column<Node> {
  const isAllPicked = rows.length > 0 && rows.every(({ name }) => picked.has(name));
  const names = rows.map(({ name }) => name);
  return {
    key: 'pick',
    width: '2.5rem',
    title: (
      <input
        type="checkbox"
        aria-label={`Pick all ${rows.length} nodes that are shown`}
        checked={isAllPicked}
        onChange={() => pick(names, !isAllPicked)}
      />
    ),
    cell: ({ name }) => (
      <input
        type="checkbox"
        aria-label={`Pick ${name}`}
        checked={picked.has(name)}
        onChange={() => pick([name], !picked.has(name))}
      />
    ),
  };
}

/** The order that holds a node, and the plan that gave it. */
function Holder({ node, task }: { readonly node: Node; readonly task: PowerTask | undefined }) {
  if (node.heldBy === '') return null;
  const order = task === undefined ? targetWord(node.targetPowerState) : targetWord(task.target);
  return (
    <>
      <span class="state busy">{order}</span>{' '}
      {task?.planUuid ? <a href={addressOf('plans', task.planUuid)}>by a plan</a> : <Said text={task?.reason ?? ''} />}
    </>
  );
}
