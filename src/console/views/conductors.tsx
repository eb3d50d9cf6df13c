/** The conductors, the agents, and the zones that they reach. */
import { enumName } from '../../cli/shared/words.ts';
import type { ConductorStatus } from '../../gen/countermand/v1/conductor.ts';
import { type Sink, SinkState } from '../../gen/countermand/v1/notification.ts';
import { useAsked, useHouse, useLink } from '../context.ts';
import { Refused, Said, State } from '../parts/said.tsx';
import { timeWords } from '../words.ts';

/** The page. */
export function Conductors() {
  const { conductor } = useHouse();
  const { answer: status } = useLink();
  const agents = useAsked((signal) => conductor.itself.listAgents({}, { signal }), 'agents');
  const zones = useAsked((signal) => conductor.itself.listZones({}, { signal }), 'zones');
  return (
    <>
      <h1 tabIndex={-1}>Agents and conductors</h1>
      <Refused sentence={agents.refused || zones.refused} />
      {status !== null && (
        <p>
          This conductor is version {status.version}, started {timeWords(status.startedAt)}
          {status.epoch > 0 && `; epoch ${status.epoch}`}
          {status.diskFull && '; its disk is full: new work is refused'}
        </p>
      )}
      <ConductorRows conductors={status?.conductors ?? []} />
      <Rows
        label="Agents"
        heads={['Agent', 'State', 'Since', 'Zones', 'Drivers']}
        rows={(agents.answer?.agents ?? []).map(({ name, attached, attachedAt, embedded, ...agent }) => [
          embedded ? `${name} (inside the conductor)` : name,
          attached ? 'attached' : 'lost',
          timeWords(attachedAt),
          agent.zones.join(', '),
          agent.drivers.join(', '),
        ])}
        tones={(agents.answer?.agents ?? []).map(({ attached }) => (attached ? 'good' : 'bad'))}
        stateAt={1}
      />
      <Rows
        label="Zones"
        heads={['Zone', 'State', 'Nodes', 'Agents', 'Drivers']}
        rows={(zones.answer?.zones ?? []).map((zone) => [
          zone.name,
          zone.agents.length > 0 ? 'reached' : 'not reached',
          zone.nodes.toLocaleString('en'),
          zone.agents.join(', '),
          zone.drivers.join(', '),
        ])}
        tones={(zones.answer?.zones ?? []).map((zone) => (zone.agents.length > 0 ? 'good' : 'bad'))}
        stateAt={1}
      />
      <SinkRows sinks={status?.sinks ?? []} />
    </>
  );
}

/** The conductors on the database; nothing where there can be one only. */
function ConductorRows({ conductors }: { readonly conductors: readonly ConductorStatus[] }) {
  if (conductors.length === 0) return null;
  return (
    <Rows
      label="Conductors"
      heads={['Address', 'HTTP', 'Version', 'State', 'Seen']}
      rows={conductors.map((each) => [
        each.address,
        each.httpAddress,
        each.version,
        conductorWord(each),
        timeWords(each.lastSeen),
      ])}
      tones={conductors.map(({ leads, present }) => (leads ? 'good' : present ? 'still' : 'bad'))}
      stateAt={3}
    />
  );
}

/** The sinks; nothing if there is none. */
function SinkRows({ sinks }: { readonly sinks: readonly Sink[] }) {
  if (sinks.length === 0) return null;
  return (
    <Rows
      label="Sinks"
      heads={['Sink', 'State', 'Kind', 'Events that wait', 'Problem']}
      rows={sinks.map(({ name, state, kind, lag, problem }) => [
        name,
        enumName(SinkState, state),
        kind,
        lag.toLocaleString('en'),
        problem,
      ])}
      tones={sinks.map(({ state }) => (state === SinkState.ON ? 'good' : 'bad'))}
      stateAt={1}
    />
  );
}

const conductorWord = ({ leads, present }: ConductorStatus): string =>
  leads ? 'leads' : present ? 'stands by' : 'away';

interface RowsProps {
  readonly label: string;
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The colour of the state in each row, and the column that it stands in. */
  readonly tones: readonly string[];
  readonly stateAt: number;
}

function Rows({ label, heads, rows, tones, stateAt }: RowsProps) {
  return (
    <section aria-label={label}>
      <h2>{label}</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={row.join(' ')}>
                {row.map((text, column) => (
                  <td key={heads[column]}>
                    {column === stateAt ? <State name={text} tone={tones[at] ?? 'still'} /> : <Said text={text} />}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length === 0 && <p class="empty">None</p>}
    </section>
  );
}
