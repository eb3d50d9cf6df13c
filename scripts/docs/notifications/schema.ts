/** The few words of JSON Schema (draft 2020-12) that the notifications need. */

/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** Properties by name. */
export type Properties = Readonly<Record<string, Schema>>;

/** The dialect that every schema names. */
export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const described = (description: string): Schema => (description === '' ? {} : { description });

/** Text. */
export function text(description = ''): Schema {
  return { type: 'string', ...described(description) };
}

/** Text, or null where there is nothing to say. */
export function textOrNull(description = ''): Schema {
  return { type: ['string', 'null'], ...described(description) };
}

/** True or false. */
export function flag(description = ''): Schema {
  return { type: 'boolean', ...described(description) };
}

/** One of these words. */
export function oneOf(words: readonly string[], description = ''): Schema {
  return { enum: [...words], ...described(description) };
}

/** One of these words, or null. */
export function oneOfOrNull(words: readonly string[], description = ''): Schema {
  return { enum: [...words, null], ...described(description) };
}

/** Null, always. */
export function nothing(description = ''): Schema {
  return { type: 'null', ...described(description) };
}

/** A list. */
export function listOf(items: Schema, description = ''): Schema {
  return { type: 'array', items, ...described(description) };
}

/** An object whose keys are not ours to say. */
export function anyObject(description = ''): Schema {
  return { type: 'object', ...described(description) };
}

/** What another definition says; by default one of the same document. */
export function ref(name: string, description = '', document = ''): Schema {
  return { $ref: `${document}#/$defs/${name}`, ...described(description) };
}

/** What a schema says, or null. */
export function orNull(schema: Schema, description = ''): Schema {
  return { anyOf: [schema, { type: 'null' }], ...described(description) };
}

/** An object that has all of these properties. It may get more in later releases. */
export function growing(properties: Properties, description = ''): Schema {
  return { type: 'object', ...described(description), required: Object.keys(properties), properties };
}

/** A versioned object: what it is called, and its data. It has these four keys and no other. */
export function versioned(family: 'watcher' | 'ironic' | 'countermand', name: string, data: Properties): Schema {
  const key = (word: string): string => `${family}_object.${word}`;
  const properties = {
    [key('namespace')]: { const: family },
    [key('name')]: { const: name },
    [key('version')]: { const: '1.0' },
    [key('data')]: growing(data),
  };
  return { type: 'object', required: Object.keys(properties), additionalProperties: false, properties };
}

/** Who did something, or null. */
export function actor(description: string): Schema {
  const names = {
    identity: text('The name of the identity.'),
    on_behalf_of: textOrNull('For whom it called; null: for itself.'),
  };
  return orNull(growing(names), description);
}

/** What the data of every notification has beside the keys of its thing. */
export const CALLED: Properties = {
  actor: actor('Who called for this change; null if the conductor made it by itself. Not a key of OpenStack.'),
};
