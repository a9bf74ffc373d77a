/** The lines of a body as they come: of the body itself, or of the file in a form. Never more in memory than a piece and a line. */
import { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { CullError, messageOf } from '../errors.js';

const FIELD = 'file';

/**
 * @throws CullError BODY_INVALID where there is no body, or a form without the file
 * @example
 * for await (const line of linesOf(request)) console.log(JSON.parse(line));
 */
export async function* linesOf({ headers, body }: Request): AsyncGenerator<string> {
  if (!body) throw new CullError('BODY_INVALID', 'the call has no body', { hint: 'send one request a line' });
  const source = Readable.fromWeb(body as never);
  const type = headers.get('content-type') ?? '';
  const input = /^multipart\/form-data\b/i.test(type) ? await fileIn(source, type) : source;
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of input as AsyncIterable<Uint8Array>) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      yield* lines.map(withoutReturn);
    }
    yield withoutReturn(rest + decoder.decode());
  } catch (error) {
    if (error instanceof CullError) throw error;
    throw new CullError('BODY_INVALID', `the body breaks off: ${messageOf(error)}`, { cause: error });
  }
}

const withoutReturn = (line: string): string => line.replace(/\r$/, '');

/** The file of a form, while the rest of the form is still on its way. */
function fileIn(source: Readable, contentType: string): Promise<Readable> {
  const broken = (why: string): CullError =>
    new CullError('BODY_INVALID', `the form cannot be read: ${why}`, {
      hint: `curl -F '${FIELD}=@requests.ndjson' sends one`,
    });
  return new Promise((resolve, reject) => {
    let form: InstanceType<typeof Busboy>;
    try {
      form = new Busboy({ headers: { 'content-type': contentType } });
    } catch (error) {
      reject(broken(messageOf(error)));
      return;
    }
    let file: Readable | undefined;
    form.on('file', (name, stream) => {
      if (name !== FIELD || file) {
        stream.resume();
        return;
      }
      file = stream;
      // told to who reads the lines; here only so that it is nobody's uncaught one
      stream.on('error', () => undefined);
      resolve(stream);
    });
    form.on('error', (error) => {
      file?.destroy(broken(messageOf(error)));
      reject(broken(messageOf(error)));
    });
    form.once('finish', () => reject(broken(`the field "${FIELD}" holds no file`)));
    source.once('error', (error) => form.destroy(error));
    source.pipe(form);
  });
}
