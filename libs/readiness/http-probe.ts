import { lookup, type LookupAddress } from 'node:dns';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';

const LONGEST_BODY = 1_000_000;
const USER_AGENT = 'core-auth-readiness-probe';
export interface ProbeRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string>>;
  /** The loopback address to come from, where the target is on loopback too. */
  readonly from?: string;
  readonly signal?: AbortSignal;
}

export interface ProbeResponse {
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly setCookie: readonly string[];
  readonly body: string;
}

/** Plain requests as any outsider makes them; a redirect is an answer and is not followed. */
export class HttpProbe {
  /** @param ca certificates to trust besides the machine's */
  constructor(readonly ca?: string) {}

  async request(url: URL | string, options: ProbeRequest = {}): Promise<ProbeResponse> {
    const target = new URL(url);
    const body = options.form && new URLSearchParams(options.form).toString();
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(target, this.settings(target, options, body), (response) => {
        const chunks: Buffer[] = [];
        let length = 0;
        response.on('data', (chunk: Buffer) => {
          length += chunk.length;
          if (length > LONGEST_BODY) request.destroy(new Error('the answer is larger than 1 MB'));
          chunks.push(chunk);
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            url: target,
            status: response.statusCode ?? 0,
            headers: response.headers,
            setCookie: response.headers['set-cookie'] ?? [],
            body: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  private settings(target: URL, options: ProbeRequest, body: string | undefined): RequestOptions {
    const from = isLoopbackName(target.hostname) ? options.from : undefined;
    return {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        'user-agent': USER_AGENT,
        ...(body === undefined
          ? {}
          : {
              'content-type': 'application/x-www-form-urlencoded',
              'content-length': String(Buffer.byteLength(body)),
            }),
        ...options.headers,
      },
      agent: false,
      lookup: lookupWithLocalhost,
      ...(from === undefined ? {} : { localAddress: from, family: 4 }),
      ...(options.signal ? { signal: options.signal } : {}),
      ...(this.ca === undefined ? {} : { ca: this.ca }),
    };
  }
}

function isLoopbackName(hostname: string): boolean {
  return hostname === 'localhost' || hostname.endsWith('.localhost') || /^127\./.test(hostname);
}

/** RFC 6761 §6.3: names below localhost are loopback; Node.js leaves that to the resolver, which may not know them. */
const lookupWithLocalhost: LookupFunction = (hostname, options, callback) => {
  if (!hostname.endsWith('.localhost')) return lookup(hostname, options, callback as never);
  const local: LookupAddress = { address: '127.0.0.1', family: 4 };
  if (options.all) callback(null, [local]);
  else callback(null, local.address, local.family);
};
