/** A table of which only the rows in sight are drawn, so that 10,000 cost as little as 30. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** A column. */
export interface Column<T> {
  /** What stands above it, and what a screen reader says. */
  readonly title: ComponentChildren;
  readonly key: string;
  /** Its width, as a track of a CSS grid. */
  readonly width: string;
  cell(row: T): ComponentChildren;
}

interface VirtualTableProps<T> {
  /** What the table is about, for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  keyOf(row: T): string;
  /** What is said instead of rows where there are none. */
  readonly empty: string;
}

/** The height of a row, as the style sheet has it. */
const ROW_PX = 36;
/** Rows that are drawn above and below what is in sight. */
const SPARE = 8;

/** The rows in sight of a box that scrolls. */
function useWindow(count: number) {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const first = Math.max(0, Math.min(Math.floor(top / ROW_PX), count - 1) - SPARE);
  const last = Math.min(count, Math.ceil((top + height) / ROW_PX) + SPARE);
  return { box, first, last, onScroll: (): void => setTop(box.current?.scrollTop ?? 0) };
}

/** The table. Its body scrolls, by keyboard too. */
export function VirtualTable<T>({ label, columns, rows, keyOf, empty }: VirtualTableProps<T>) {
  const { box, first, last, onScroll } = useWindow(rows.length);
  const tracks = { gridTemplateColumns: columns.map(({ width }) => width).join(' ') };
  return (
    // biome-ignore-start lint/a11y/useSemanticElements: a table element cannot leave out rows
    // biome-ignore-start lint/a11y/useFocusableInteractive: rows are read, what can be done is in them
    <div class="table" role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div class="heads" role="rowgroup">
        <div class="row head" role="row" aria-rowindex={1} style={tracks}>
          {columns.map(({ key, title }) => (
            <div key={key} role="columnheader">
              {title}
            </div>
          ))}
        </div>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <div class="body" role="rowgroup" tabIndex={0} ref={box} onScroll={onScroll} aria-label={`${label}: rows`}>
        <div role="presentation" class="whole" style={{ height: `${rows.length * ROW_PX}px` }}>
          {rows.slice(first, last).map((row, at) => (
            <div
              key={keyOf(row)}
              class="row"
              role="row"
              aria-rowindex={first + at + 2}
              style={{ ...tracks, top: `${(first + at) * ROW_PX}px` }}
            >
              {columns.map((column) => (
                <div key={column.key} role="cell" class="cell" data-column={column.key}>
                  {column.cell(row)}
                </div>
              ))}
            </div>
          ))}
        </div>
        {rows.length === 0 && <p class="empty">{empty}</p>}
      </div>
    </div>
    // biome-ignore-end lint/a11y/useFocusableInteractive: rows are read, what can be done is in them
    // biome-ignore-end lint/a11y/useSemanticElements: a table element cannot leave out rows
  );
}
