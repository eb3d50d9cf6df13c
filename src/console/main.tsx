/** Where the browser begins. */
import { render } from 'preact';
import { systemClock } from '../core/clock.ts';
import { App } from './app.tsx';
import { connect, failureOf } from './calls.ts';
import { kept } from './credentials.ts';
import { Link } from './link.ts';

const conductor = connect(location.origin, kept);
const link = new Link({
  ask: (signal) => conductor.itself.getStatus({}, { signal }),
  failureOf,
  clock: systemClock,
});
const root = document.getElementById('root');
if (root !== null) render(<App conductor={conductor} link={link} />, root);
