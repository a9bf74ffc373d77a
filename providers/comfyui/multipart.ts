import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { CullError } from '../../errors.js';
import type { Ask } from './http.js';

/** A file to send; `size` in bytes. */
export interface FilePart {
  name: string;
  size: number;
  body: Uint8Array | AsyncIterable<Uint8Array>;
}

/** A multipart/form-data body (RFC 7578) that reads its file as it is sent: FormData would hold the whole file. */
export class Multipart {
  readonly body: NonNullable<Ask['body']>;
  readonly #file: FilePart;
  /** What went wrong with the file, if anything did. */
  failure: Error | undefined;

  /** @param file becomes the part `image` */
  constructor(fields: Record<string, string>, file: FilePart) {
    this.#file = file;
    // A stream may fail before anybody reads it, while the connection is made.
    if (file.body instanceof Readable) file.body.once('error', (error) => (this.failure ??= error));
    const boundary = `cull-${randomUUID()}`;
    const part = (name: string, more = ''): string =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"${more}\r\n`;
    const texts = Object.entries(fields).map(([name, value]) => `${part(name)}\r\n${value}\r\n`);
    const filePart = part('image', `; filename="${quoted(file.name)}"`);
    // Fields first: the file's place is known before it comes.
    const head = Buffer.from(`${texts.join('')}${filePart}content-type: application/octet-stream\r\n\r\n`);
    const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
    this.body = {
      type: `multipart/form-data; boundary=${boundary}`,
      size: head.length + file.size + tail.length,
      content: Readable.from(this.#content(head, tail), { objectMode: false }),
    };
  }

  /** Ends the file's stream, read or not. */
  async close(): Promise<void> {
    const { body } = this.#file;
    this.body.content.destroy();
    if (body instanceof Readable) body.destroy();
    else if (body instanceof ReadableStream) await (body.locked ? undefined : body.cancel());
    else if (!(body instanceof Uint8Array)) await body[Symbol.asyncIterator]().return?.();
  }

  async *#content(head: Buffer, tail: Buffer): AsyncGenerator<Uint8Array> {
    yield head;
    const { body, size } = this.#file;
    if (body instanceof Uint8Array) yield body;
    else {
      let sent = 0;
      for await (const chunk of this.#watched(body)) {
        sent += chunk.length;
        // A wrong size would leave the server waiting, or the end of the form inside the file.
        if (sent > size) throw this.#wrongSize('more');
        yield chunk;
      }
      if (sent < size) throw this.#wrongSize('less');
    }
    yield tail;
  }

  /** The chunks; an error of the source is kept apart from those of the connection, which arrive here as well. */
  async *#watched(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = source[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await iterator.next().catch((error: unknown) => {
          this.failure ??= error as Error;
          throw error;
        });
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }

  #wrongSize(what: string): CullError {
    const { name, size } = this.#file;
    const message = `the stream of ${name} holds ${what} than the ${size} bytes it was said to hold`;
    const error = new CullError('INTERNAL', message, { hint: 'give the size of the file as it is now' });
    this.failure ??= error;
    return error;
  }
}

/** As browsers write names: RFC 7578 leaves nothing else that servers agree on. */
const quoted = (name: string): string => name.replaceAll('\r', '%0D').replaceAll('\n', '%0A').replaceAll('"', '%22');
