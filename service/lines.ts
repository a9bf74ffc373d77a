/** The lines of a body as they come: of the body itself, or of the file in a form. Never more in memory than a piece and what a line may have. */
import { Readable } from 'node:stream';
import { Busboy } from '@fastify/busboy';
import { CullError, messageOf } from '../errors.js';

const FIELD = 'file';

/**
 * @param longest characters of a line; of a longer one come so many and one more
 * @throws CullError BODY_INVALID where there is no body, or a form without the file
 * @example
 * for await (const line of linesOf(request, 2 ** 20)) console.log(JSON.parse(line));
 */
export async function* linesOf({ headers, body }: Request, longest: number): AsyncGenerator<string> {
  if (!body) throw new CullError('BODY_INVALID', 'the call has no body', { hint: 'send one request a line' });
  const source = Readable.fromWeb(body as never);
  const type = headers.get('content-type') ?? '';
  const input = /^multipart\/form-data\b/i.test(type) ? await fileIn(source, type) : source;
  const decoder = new TextDecoder();
  let rest = '';
  const whole = (end: string): string => (rest + end).replace(/\r$/, '').slice(0, longest + 1);
  try {
    for await (const chunk of input as AsyncIterable<Uint8Array>) {
      const pieces = decoder.decode(chunk, { stream: true }).split('\n');
      const begun = pieces.pop() ?? '';
      for (const piece of pieces) {
        yield whole(piece);
        rest = '';
      }
      if (rest.length <= longest) rest += begun;
    }
    yield whole(decoder.decode());
  } catch (error) {
    if (error instanceof CullError) throw error;
    throw new CullError('BODY_INVALID', `the body breaks off: ${messageOf(error)}`, { cause: error });
  }
}

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
