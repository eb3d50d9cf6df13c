/** The table of routes as an OpenAPI 3.1 document. */
import * as z from 'zod';
import { type Route, route } from './route.ts';

type Json = Record<string, unknown>;

/** What a client sends, or what it gets, as JSON Schema. */
function schemaOf(rule: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...schema } = z.toJSONSchema(rule, { io, unrepresentable: 'any' });
  return schema;
}

const jsonOf = (schema: Json): Json => ({ content: { 'application/json': { schema } } });

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function queryParameters({ query }: Route): Json[] {
  const { properties = {} } = schemaOf(query, 'input') as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(typeof description === 'string' && { description }),
    schema,
  }));
}

function methodOf(each: Route): Json {
  const { path, says, command, differs, status, body, answer, chapter, textType } = each;
  const parameters = [...pathParameters(path), ...queryParameters(each)];
  const sent = command === undefined ? '' : ` Sent by \`${command}\`.`;
  const answered = { description: status < 400 ? 'Done.' : 'Never anything else.' };
  return {
    summary: says,
    ...((differs || sent) && { description: `${differs ?? ''}${sent}`.trim() }),
    tags: [chapter],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { ...jsonOf(schemaOf(body, 'input')), required: !body.safeParse(undefined).success } }),
    responses: {
      [status]: {
        ...answered,
        ...(answer && jsonOf(schemaOf(answer, 'output'))),
        ...(textType !== undefined && { content: { [textType]: { schema: { type: 'string' } } } }),
      },
      ...(status < 400 && { default: { $ref: '#/components/responses/Refused' } }),
    },
  };
}

/** `error_message` is JSON in a text, because OpenStack's clients decode it twice. */
const REFUSED = z.object({
  error_message: z
    .string()
    .describe('JSON: faultcode is Client or Server, faultstring is a sentence for people, debuginfo is null.'),
});

/** The document of these routes. */
export function openApiOf(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const each of routes) paths[each.path] = { ...paths[each.path], [each.method.toLowerCase()]: methodOf(each) };
  const refused = {
    description: 'Refused; 409 and 503 mean that nothing was done.',
    ...jsonOf(schemaOf(REFUSED, 'output')),
  };
  return {
    openapi: '3.1.0',
    info: { title: 'countermand', version: 'v1', description: 'The HTTP door of a conductor: see docs/http.md.' },
    paths,
    components: { responses: { Refused: refused } },
  };
}

/** The route that serves the document of all routes, itself among them. */
export function openApiRoute(routes: () => readonly Route[]): Route {
  // Whoever reaches the door may ask for it, and to make it takes as long as hundreds of orders.
  let content: Buffer | null = null;
  return route({
    method: 'GET',
    path: '/openapi.json',
    chapter: 'door',
    says: 'answers this table as an OpenAPI 3.1 document',
    status: 200,
    answer: z.looseObject({ openapi: z.literal('3.1.0') }),
    handle() {
      content ??= Buffer.from(JSON.stringify(openApiOf(routes())));
      return { status: 200, text: { type: 'application/json', content } };
    },
  });
}
