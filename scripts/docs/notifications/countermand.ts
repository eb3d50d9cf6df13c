/** The versioned objects about conductors, for which OpenStack has none. */
import { CALLED, DIALECT, type Properties, type Schema, text, textOrNull, versioned } from './schema.ts';

const LEADER: Properties = {
  uuid: text('The id of the conductor: new for each process.'),
  address: text('Where others reach it, HOST:PORT.'),
  http_address: textOrNull('The same of its HTTP door; null if it has none.'),
  version: text('Its version.'),
  epoch: { type: 'integer', description: 'The epoch in which it leads: one more at each election.' },
};

/** The definitions that the schemas of `conductor.*` refer to. */
export function countermandObjects(): Schema {
  const elected = {
    ...LEADER,
    previous_address: textOrNull('Which conductor led before; null if none did, or it is not known.'),
    previous_resigned: {
      type: ['boolean', 'null'],
      description: 'True if that one has stopped in order, false if it was lost; null if none led before.',
    },
  };
  const resigned = { ...LEADER, reason: text('Why, in a sentence.') };
  return {
    $schema: DIALECT,
    title: 'Payloads about conductors',
    $defs: {
      ConductorElectedPayload: versioned('countermand', 'ConductorElectedPayload', { ...elected, ...CALLED }),
      ConductorResignedPayload: versioned('countermand', 'ConductorResignedPayload', { ...resigned, ...CALLED }),
    },
  };
}
