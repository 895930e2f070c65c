import { request } from 'node:http';

export interface RawAnswer {
  readonly status: number;
  readonly type: string;
  readonly location: string | undefined;
  readonly text: string;
}

export interface RawRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
}

/** Sends exactly this, without what fetch would mend, and follows nothing. */
export function sendRaw(
  base: string,
  method: string,
  path: string,
  { headers = {}, body }: RawRequest = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    // node leaves it out where a method has no body as a rule; the body would be the next request
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const sent = { method, path, headers: { ...length, ...headers }, agent: false };
    const outgoing = request(base, sent, (response) => {
      const { 'content-type': type = '', location } = response.headers;
      const parts: Buffer[] = [];
      response
        .on('data', (part: Buffer) => parts.push(part))
        .on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type,
            location,
            text: Buffer.concat(parts).toString(),
          }),
        )
        // an answer that comes before the whole body was read ends the connection
        .on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

const INSIDES = /\bat .+\.(ts|js|mjs):\d+|node_modules|SELECT |syntax error|stack/;

/** What is wrong with this answer whatever was asked: a failure of ours, or a word about how the server is made. */
export function harmOf({ status, text }: RawAnswer): string | undefined {
  if (status >= 500) return `status ${status}`;
  return INSIDES.test(text) ? 'shows its insides' : undefined;
}
