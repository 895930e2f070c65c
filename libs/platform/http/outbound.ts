import { lookup } from 'node:dns/promises';
import { request as requestHttp, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPublicAddress, Networks } from './outbound-networks.js';

const TIMEOUT = 5000;
const RESOLVE_TIMEOUT = 2000;
const MAX_ANSWER_BYTES = 65_536;
const MAX_URL = 2048;

export interface OutboundRequest {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Milliseconds for everything, from the first look at the name to the last byte of the answer; 5,000 unless told. */
  readonly timeout?: number;
  /** Bytes of the answer's body; 65,536 unless told. A longer one is an error, unless the body is discarded. */
  readonly maxBytes?: number;
  /** The body does not matter, only the status; then `body` is empty. */
  readonly discardBody?: boolean;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** The addresses of a host name. */
export type Resolver = (hostname: string) => Promise<readonly string[]>;

/** The target may not be called: nothing was sent. */
export class OutboundRefused extends Error {
  override readonly name = 'OutboundRefused';
}

/** The request did not come to an end: no answer, not in time, or too long a one. */
export class OutboundFailed extends Error {
  override readonly name = 'OutboundFailed';
}

interface Target {
  readonly url: URL;
  readonly addresses: readonly string[];
}

/**
 * Requests to addresses that somebody else has named. None reaches this deployment's own network (server-side request
 * forgery, OWASP ASVS 5.0 V1.3.6) unless a setting allows it: a name is resolved once, what it resolves to is checked,
 * and exactly that is connected to. Redirects are not followed; no proxy is taken from the environment.
 */
export class OutboundHttp {
  private readonly allowed: Networks;

  /** @param allowedNetworks addresses and networks that may be called although they are not public, by http too */
  constructor(
    allowedNetworks: readonly string[],
    private readonly resolve: Resolver = resolveName,
  ) {
    this.allowed = new Networks(allowedNetworks);
  }

  /** @throws OutboundRefused, OutboundFailed */
  async send(url: string, request: OutboundRequest = {}): Promise<OutboundAnswer> {
    const timeout = AbortSignal.timeout(request.timeout ?? TIMEOUT);
    const target = await within(timeout, this.target(url));
    return exchange(target, request, timeout);
  }

  /**
   * Why this URL may not be registered, or undefined when it may. A name that does not resolve now may come to; it is
   * looked at again whenever it is called.
   */
  async problem(url: string): Promise<string | undefined> {
    try {
      await within(AbortSignal.timeout(RESOLVE_TIMEOUT), this.target(url));
    } catch (error) {
      if (error instanceof OutboundRefused) return error.message;
      // without an address, an exception from https cannot be shown to be allowed
      if (!url.startsWith('https:')) return 'must be https';
    }
    return undefined;
  }

  private async target(text: string): Promise<Target> {
    const url = parse(text);
    const hostname = url.hostname.replace(/^\[|\]$/g, '');
    const addresses = isIP(hostname) ? [hostname] : await this.addressesOf(hostname);
    const allowed = addresses.filter((address) => this.allowed.includes(address));
    if (url.protocol !== 'https:') {
      if (allowed.length === 0) throw new OutboundRefused('must be https');
      return { url, addresses: allowed };
    }
    const reachable = addresses.filter((address) => allowed.includes(address) || isPublicAddress(address));
    if (reachable.length === 0) throw new OutboundRefused('must not point into a private network');
    return { url, addresses: reachable };
  }

  private async addressesOf(hostname: string): Promise<readonly string[]> {
    // RFC 6761 §6.3: names under localhost are loopback, whatever a name server says
    if (/(^|\.)localhost\.?$/.test(hostname)) return ['127.0.0.1', '::1'];
    let addresses: readonly string[];
    try {
      addresses = await this.resolve(hostname);
    } catch (error) {
      throw new OutboundFailed(`the name cannot be resolved: ${codeOf(error)}`);
    }
    if (addresses.length === 0) throw new OutboundFailed('the name has no address');
    return addresses;
  }
}

/** WHATWG URL reads the odd spellings of IPv4 addresses (`0x7f.1`, `2130706433`) as what they mean. */
function parse(text: string): URL {
  // the parser would drop tabs and line feeds
  if (text.length > MAX_URL || /[\s\p{Cc}]/u.test(text) || !URL.canParse(text))
    throw new OutboundRefused('must be an absolute URL');
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new OutboundRefused('must be https');
  if (url.username !== '' || url.password !== '') {
    throw new OutboundRefused('must not contain user information');
  }
  if (text.includes('#')) throw new OutboundRefused('must not have a fragment');
  return url;
}

async function resolveName(hostname: string): Promise<readonly string[]> {
  return (await lookup(hostname, { all: true, verbatim: true })).map(({ address }) => address);
}

/** Answers every question for an address with those that were checked. */
function lookupOf(addresses: readonly string[]): LookupFunction {
  const answers = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_hostname, options, callback) => {
    const [first] = answers;
    if (options.all) callback(null, answers);
    else callback(null, first?.address ?? '', first?.family);
  };
}

function exchange(
  { url, addresses }: Target,
  { method = 'GET', headers = {}, body, maxBytes = MAX_ANSWER_BYTES, discardBody = false }: OutboundRequest,
  timeout: AbortSignal,
): Promise<OutboundAnswer> {
  const { promise, resolve, reject } = deferred<OutboundAnswer>();
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, {
    method,
    headers: {
      'user-agent': 'Core-Auth',
      // an answer counts as it comes: nothing that swells when it is unpacked
      'accept-encoding': 'identity',
      ...headers,
      ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    },
    // a connection of its own: one that is kept might lead to where the name no longer points
    agent: false,
    lookup: lookupOf(addresses),
    rejectUnauthorized: true,
    signal: timeout,
  });
  let answered = false;
  request.on('error', (error) => {
    // once the answer has begun, reading it decides
    if (!answered) reject(failure(error, timeout));
  });
  // an answer that would switch protocols (RFC 9110 §15.2.2) closes the connection and is neither error nor response
  request.on('close', () => {
    if (!answered) reject(new OutboundFailed('the connection was closed without an answer'));
  });
  request.on('response', (response) => {
    answered = true;
    const status = response.statusCode ?? 0;
    read(response, maxBytes, discardBody).then(
      (text) => resolve({ status, headers: response.headers, body: text }),
      (error: unknown) => {
        // the status is all that was asked for, and it is known
        if (discardBody) resolve({ status, headers: response.headers, body: '' });
        else reject(failure(error, timeout));
      },
    );
  });
  request.end(body);
  return promise;
}

async function read(response: IncomingMessage, maxBytes: number, discard: boolean): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  // leaving the loop early destroys the connection
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new OutboundFailed(`the answer is longer than ${maxBytes} bytes`);
    if (!discard) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function failure(error: unknown, timeout: AbortSignal): Error {
  if (error instanceof OutboundFailed) return error;
  return new OutboundFailed(timeout.aborted ? 'no answer in time' : codeOf(error), { cause: error });
}

function codeOf(error: unknown): string {
  const { code, message } = error as Partial<NodeJS.ErrnoException>;
  return code ?? message ?? 'unknown error';
}

async function within<T>(timeout: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = deferred<never>();
  const abort = () => reject(new OutboundFailed('no answer in time'));
  timeout.addEventListener('abort', abort);
  try {
    return await Promise.race([work, late]);
  } finally {
    timeout.removeEventListener('abort', abort);
  }
}

function deferred<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: Error) => void;
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
