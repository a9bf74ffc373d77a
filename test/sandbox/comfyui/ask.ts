/** An HTTP exchange to be had. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer | FormData;
}

/** What a server answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  readonly text: string;
  /** The body as JSON, undefined where it is none. */
  readonly json: unknown;
}

/** A form; a field that is an array is a file: name and content. */
export type Fields = Readonly<Record<string, string | readonly [name: string, content: string | Buffer]>>;

export async function ask(url: string, { method, path, headers = {}, body }: Ask): Promise<Answer> {
  const given = Buffer.isBuffer(body) ? new Uint8Array(body) : body;
  const answer = await fetch(url + path, { method, headers, ...(given === undefined ? {} : { body: given }) });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const text = bytes.toString('utf8');
  const isJson = answer.headers.get('content-type')?.startsWith('application/json') === true && text !== '';
  return {
    status: answer.status,
    headers: answer.headers,
    bytes,
    text,
    json: isJson ? (JSON.parse(text) as unknown) : undefined,
  };
}

/** The fields as multipart/form-data. */
export function form(fields: Fields): FormData {
  const out = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === 'string') out.append(name, value);
    else out.append(name, new Blob([new Uint8Array(Buffer.from(value[1]))]), value[0]);
  }
  return out;
}
