/** What a route answers. */

/** One answer. The door adds the headers that every answer has. */
export interface Answer {
  readonly status: number;
  /** What becomes JSON; absent: the answer has no body. */
  readonly body?: unknown;
  /** What is answered instead of JSON; absent: nothing. */
  readonly text?: { readonly type: string; readonly content: string | Buffer };
  readonly headers?: Readonly<Record<string, string>>;
}

/** 200 with this body. */
export const ok = (body: unknown): Answer => ({ status: 200, body });
