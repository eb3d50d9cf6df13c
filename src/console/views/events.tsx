/** The events, as they come. After a break they go on where they were: none is missed. */
import { useRef, useState } from 'preact/hooks';
import { systemClock } from '../../core/clock.ts';
import type { Event } from '../../gen/countermand/v1/notification.ts';
import { failureOf } from '../calls.ts';
import { useHouse, useStream } from '../context.ts';
import { beginnings } from '../event_range.ts';
import { Refused, Said, State } from '../parts/said.tsx';
import { type Column, VirtualTable } from '../parts/virtual.tsx';
import { timeWords } from '../words.ts';

/** How many events are kept. */
const KEPT = 2000;
const GATHER_MS = 150;

/** The events, the newest first. */
function useEvents(type: string) {
  const { conductor } = useHouse();
  const kept = useRef<Event[]>([]);
  const of = useRef(type);
  const [events, setEvents] = useState<readonly Event[]>([]);
  const isGathering = useRef(false);
  const database = useRef('');
  const open = async function* (signal: AbortSignal) {
    const { newestSequence, databaseId } = await conductor.notifications.getNewestSequence({}, { signal });
    if (databaseId !== database.current) kept.current = [];
    database.current = databaseId;
    const eventTypes = type === '' ? [] : [type];
    for (const fromSequence of beginnings(kept.current.at(-1)?.sequence, newestSequence))
      try {
        yield* conductor.notifications.subscribe({ fromSequence, eventTypes, databaseId }, { signal });
        return;
      } catch (error) {
        if (failureOf(error).code !== 'EVENTS_OUT_OF_RANGE') throw error;
      }
  };
  const { refused } = useStream(
    open,
    (message) => {
      if (message === null) {
        if (of.current !== type) kept.current = [];
        of.current = type;
      } else if (message.event !== undefined) kept.current.push(message.event);
      if (kept.current.length > KEPT) kept.current.splice(0, kept.current.length - KEPT);
      if (isGathering.current) return;
      isGathering.current = true;
      systemClock.after(GATHER_MS, () => {
        isGathering.current = false;
        setEvents(kept.current.toReversed());
      });
    },
    type,
  );
  return { events, refused };
}

/** The page. */
export function Events() {
  const [type, setType] = useState('');
  const [typed, setTyped] = useState('');
  const [shown, setShown] = useState<Event | null>(null);
  const { events, refused } = useEvents(type);
  return (
    <>
      <h1 tabIndex={-1}>Events</h1>
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          setType(typed.trim());
        }}
      >
        <label>
          Type, such as action_plan.cancel.*
          <input type="search" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
        <button type="submit">Show</button>
      </form>
      <Refused sentence={refused} />
      <VirtualTable
        label="Events"
        columns={columnsOf(setShown)}
        rows={events}
        keyOf={({ sequence }) => String(sequence)}
        empty="No event yet"
      />
      {shown !== null && (
        <section aria-labelledby="event">
          <h2 id="event">
            {String(shown.sequence)}: <Said text={shown.eventType} />
          </h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
          <pre tabIndex={0}>
            <Said text={JSON.stringify(shown.payload, null, 2)} />
          </pre>
        </section>
      )}
    </>
  );
}

const PRIORITY_TONES: Readonly<Record<string, string>> = { ERROR: 'bad', WARNING: 'warn' };

const columnsOf = (show: (event: Event) => void): readonly Column<Event>[] => [
  {
    key: 'sequence',
    width: '6rem',
    title: 'Number',
    cell: (event) => (
      <button type="button" class="link" onClick={() => show(event)}>
        {String(event.sequence)}
      </button>
    ),
  },
  { key: 'time', width: '12rem', title: 'When', cell: ({ timestamp }) => timeWords(timestamp) },
  { key: 'type', width: 'minmax(14rem, 2fr)', title: 'Type', cell: ({ eventType }) => <Said text={eventType} /> },
  {
    key: 'priority',
    width: '6rem',
    title: 'Priority',
    cell: ({ priority }) => <State name={priority} tone={PRIORITY_TONES[priority] ?? 'still'} />,
  },
  {
    key: 'about',
    width: 'minmax(10rem, 3fr)',
    title: 'About',
    cell: ({ payload }) => <Said text={aboutOf(payload)} />,
  },
];

/** The name and the state in the data of a versioned object. */
function aboutOf(payload: Event['payload']): string {
  const data: Record<string, unknown> = Object.values(payload ?? {}).find(isRecord) ?? {};
  const parts = [data.name, data.node_name, data.state, data.power_state, data.to_power].filter(
    (part) => typeof part === 'string' && part !== '',
  );
  return parts.join(', ');
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
