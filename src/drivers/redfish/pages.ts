/** The pages of a Redfish service, as far as they are read. All is optional: no two vendors leave out the same. */
import * as z from 'zod';
import { fail } from '../../core/errors.ts';
import { bmcName, originOf, type RedfishInfo } from './info.ts';

/** What is missing, null or of another type counts as not there. */
const optional = <Schema extends z.ZodType>(schema: Schema) => schema.nullish().catch(undefined);

const link = z.looseObject({ '@odata.id': z.string() });
/** The links of a list that can be read. A list may be long: no schema looks at each. */
const links = z.array(z.unknown()).transform((all) => all.map(uriIn).filter((uri) => typeof uri === 'string'));

function uriIn(one: unknown): unknown {
  return typeof one === 'object' && one !== null ? (one as { '@odata.id'?: unknown })['@odata.id'] : undefined;
}

/** More of a list of words or parameters are not looked at, nor remembered. */
const MOST_WORDS = 100;
/** Longer ones are none of the words of Redfish. */
const LONGEST_WORD = 100;

/** `/redfish/v1/`. */
export const serviceRoot = z.looseObject({
  '@odata.id': optional(z.string()),
  RedfishVersion: optional(z.string()),
  Systems: optional(link),
  Links: optional(z.looseObject({ Sessions: optional(link) })),
});

/** A list of resources. */
export const collection = z.looseObject({ Members: links.nullish() });

/** The words of a list that are text. */
const words = z
  .array(z.unknown())
  .transform((all) =>
    all.slice(0, MOST_WORDS).filter((word) => typeof word === 'string' && word.length <= LONGEST_WORD),
  )
  .pipe(z.array(z.string()));

const reset = z.looseObject({
  target: z.string(),
  'ResetType@Redfish.AllowableValues': optional(words),
  '@Redfish.ActionInfo': optional(z.string()),
});

/** A System. */
export const system = z.looseObject({
  Id: optional(z.string()),
  Name: optional(z.string()),
  SerialNumber: optional(z.string()),
  UUID: optional(z.string()),
  '@odata.etag': optional(z.string()),
  PowerState: z.unknown().optional(),
  BootProgress: optional(z.looseObject({ LastState: optional(z.string()) })),
  Links: optional(z.looseObject({ Chassis: optional(links) })),
  Actions: optional(z.looseObject({ '#ComputerSystem.Reset': optional(reset) })),
});
export type SystemPage = z.infer<typeof system>;

/** What a Reset may be given. */
export const actionInfo = z.looseObject({
  Parameters: z
    .array(z.unknown())
    .transform((all) => all.slice(0, MOST_WORDS))
    .pipe(z.array(z.looseObject({ Name: optional(z.string()), AllowableValues: optional(words) }))),
});

/** A Chassis. */
export const chassis = z.looseObject({ PowerState: optional(z.string()) });

/** Longer addresses are none that a BMC has, in characters. They stand in requests and in errors. */
const LONGEST_URI = 1024;

/**
 * The path of a link or a target, which may be a path or a whole URL.
 * @throws BMC_PROTOCOL_VIOLATION if it leads to another origin: the password goes nowhere else
 */
export function sameOriginPath(info: RedfishInfo, uri: string): string {
  const origin = originOf(info);
  const who = `the BMC ${bmcName(info)}`;
  if (uri.length > LONGEST_URI || !URL.canParse(uri, origin))
    throw fail('BMC_PROTOCOL_VIOLATION', `${who} names an address that is none`);
  const url = new URL(uri, origin);
  if (url.origin !== origin)
    throw fail(
      'BMC_PROTOCOL_VIOLATION',
      `${who} sends us to another place, ${url.origin}; nothing was sent there, as it would get the password`,
    );
  return `${url.pathname}${url.search}`;
}
