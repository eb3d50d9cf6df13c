/** A client of the HTTP door, of our own: it shows status, headers and sentence as they came. */

/** What is sent beside method and path. */
export interface Sent {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; a string is sent as it is. */
  readonly body?: unknown;
}

/** What came back. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  /** The text of the body. */
  readonly text: string;
  /** The body as JSON; undefined if there is none. */
  readonly json: unknown;
  /** What people are told of a refusal, as OpenStack's clients find it; empty if it is none. */
  readonly sentence: string;
}

/** Sends a request to the door at `base`. */
export async function ask(base: string, line: string, { headers = {}, body }: Sent = {}): Promise<Answered> {
  const [method = 'GET', path = '/'] = line.split(' ');
  const text = typeof body === 'string' ? body : body === undefined ? null : JSON.stringify(body);
  const type = text === null ? {} : { 'Content-Type': 'application/json' };
  const response = await fetch(`${base}${path}`, { method, headers: { ...type, ...headers }, body: text });
  const said = await response.text();
  const isJson = said !== '' && response.headers.get('content-type') === 'application/json';
  const json = isJson ? JSON.parse(said) : undefined;
  const sentence = sentenceOf(json);
  return { status: response.status, headers: response.headers, text: said, json, sentence };
}

/** The clients of OpenStack decode `error_message` a second time. */
function sentenceOf(json: unknown): string {
  const message = (json as { readonly error_message?: string } | undefined)?.error_message;
  return message === undefined ? '' : JSON.parse(message).faultstring;
}
