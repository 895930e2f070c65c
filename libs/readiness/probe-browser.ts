import type { HttpProbe, ProbeRequest, ProbeResponse } from './http-probe.js';

export interface SetCookie {
  readonly name: string;
  readonly value: string;
  /** Lower-case names; a flag has an empty value. */
  readonly attributes: ReadonlyMap<string, string>;
}

const MOST_REDIRECTS = 10;

/** Keeps cookies as a browser does (by host, whatever the port) and follows redirects when told to. */
export class ProbeBrowser {
  private readonly jars = new Map<string, Map<string, string>>();

  constructor(
    private readonly http: HttpProbe,
    private readonly defaults: Pick<ProbeRequest, 'from' | 'signal' | 'headers'> = {},
  ) {}

  async request(url: URL | string, options: ProbeRequest = {}): Promise<ProbeResponse> {
    const target = new URL(url);
    const jar = this.jar(target.hostname);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await this.http.request(target, {
      ...this.defaults,
      ...options,
      headers: {
        accept: 'text/html',
        ...(cookie === '' ? {} : { cookie }),
        ...this.defaults.headers,
        ...options.headers,
      },
    });
    for (const { name, value, attributes } of response.setCookie.map(parseSetCookie)) {
      if (attributes.get('max-age') === '0' || value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /** Follows redirects until `stop` says so or none is left. */
  async follow(
    first: ProbeResponse,
    stop: (location: URL) => boolean = () => false,
    options: ProbeRequest = {},
  ): Promise<ProbeResponse> {
    let response = first;
    for (let count = 0; count < MOST_REDIRECTS; count += 1) {
      const location = locationOf(response);
      if (!location || stop(location)) return response;
      response = await this.request(location, options);
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects`);
  }

  /** The value of the first cookie whose name matches. */
  cookie(hostname: string, name: RegExp): string | undefined {
    return [...this.jar(hostname)].find(([candidate]) => name.test(candidate))?.[1];
  }

  private jar(hostname: string): Map<string, string> {
    const known = this.jars.get(hostname) ?? new Map<string, string>();
    this.jars.set(hostname, known);
    return known;
  }
}

/** Where a redirect leads; undefined when the answer is none. */
export function locationOf(response: ProbeResponse): URL | undefined {
  const { location } = response.headers;
  return response.status >= 300 && response.status < 400 && location
    ? new URL(location, response.url)
    : undefined;
}

/** RFC 6265 §5.2 */
export function parseSetCookie(text: string): SetCookie {
  const [pair = '', ...rest] = text.split(';').map((part) => part.trim());
  const equals = pair.indexOf('=');
  const attributes = rest.map((part): [string, string] => {
    const [name = '', ...value] = part.split('=');
    return [name.toLowerCase(), value.join('=')];
  });
  return { name: pair.slice(0, equals), value: pair.slice(equals + 1), attributes: new Map(attributes) };
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', quot: '"', lt: '<', gt: '>', '#39': "'" };

/** The hidden fields of a page's first form. */
export function hiddenFields(html: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [tag] of html.matchAll(/<input\b[^>]*>/g)) {
    if (!/\btype="hidden"/.test(tag)) continue;
    const name = /\bname="([^"]*)"/.exec(tag)?.[1];
    const value = /\bvalue="([^"]*)"/.exec(tag)?.[1] ?? '';
    if (name !== undefined && !(name in fields)) fields[name] = decodeEntities(value);
  }
  return fields;
}

function decodeEntities(text: string): string {
  return text.replace(/&(#?\w+);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}
