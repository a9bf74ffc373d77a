import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { rootCertificates } from 'node:tls';
import { CullError, messageOf } from '../../errors.js';

/** A ComfyUI as an address: what every HTTP request and the websocket's handshake are made of. */
export interface Address {
  /** Without a slash at the end; a path in front is kept. */
  base: string;
  /** Names in lower case; credentials of the URL are among them. */
  headers: Record<string, string>;
  /** Certificates (PEM) that a TLS connection trusts; undefined: those of Node. */
  ca?: string[];
}

export interface AddressOptions {
  /** Sent with every request and with the websocket's handshake, e.g. an Authorization. */
  headers?: Record<string, string>;
  /**
   * A private certificate authority, trusted besides the public ones: PEM text, or the path of a PEM file. It may hold
   * several certificates.
   */
  ca?: string | undefined;
}

/** Names that belong to the transport; `origin` because ComfyUI refuses a foreign one, and no other is of use. */
const NOT_YOURS = ['origin', 'host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'upgrade'];

/**
 * @param url `http(s)://[user:password@]host[:port][/path]`; without a scheme it is http
 * @throws CullError CONFIG_INVALID if it is not an http(s) URL, a header cannot be sent, or `ca` is not a certificate
 * @example
 * parseAddress('https://me:secret@gpu.example/comfy/').base; // 'https://gpu.example/comfy'
 */
export function parseAddress(url: string, options: AddressOptions = {}): Address {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(url) ? url : `http://${url}`;
  const parsed = URL.canParse(full) ? new URL(full) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.hostname === '') {
    throw new CullError('CONFIG_INVALID', `"${url}" is not the address of a ComfyUI`, {
      hint: 'write it like http://127.0.0.1:8188',
    });
  }
  const base = `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, '');
  const headers = { ...loginOf(parsed), ...checkHeaders(options.headers ?? {}) };
  return options.ca === undefined
    ? { base, headers }
    : { base, headers, ca: [...rootCertificates, readCa(options.ca)] };
}

function loginOf({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
}

function checkHeaders(headers: Record<string, string>): Record<string, string> {
  const checked = Object.entries(headers).map(([name, value]): [string, string] => {
    try {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    } catch (error) {
      // Not the value itself: it may be a secret.
      const reason = messageOf(error).replaceAll(value, '…');
      throw new CullError('CONFIG_INVALID', `the header "${name}" cannot be sent: ${reason}`, {
        hint: 'look for line breaks and letters outside Latin-1',
      });
    }
    if (!NOT_YOURS.includes(name.toLowerCase())) return [name.toLowerCase(), value];
    throw new CullError('CONFIG_INVALID', `the header "${name}" is not for you to set`, { hint: 'leave it out' });
  });
  return Object.fromEntries(checked);
}

function readCa(ca: string): string {
  const isText = ca.includes('-----BEGIN');
  try {
    const pem = isText ? ca : readFileSync(ca, 'utf8');
    // Throws unless there is one.
    new X509Certificate(pem).toString();
    return pem;
  } catch (error) {
    const what = isText ? 'the certificate authority' : `the certificate authority ${ca}`;
    throw new CullError('CONFIG_INVALID', `${what} cannot be used: ${messageOf(error)}`, {
      hint: 'give PEM text ("-----BEGIN CERTIFICATE-----…") or the path of a file that holds it',
    });
  }
}
