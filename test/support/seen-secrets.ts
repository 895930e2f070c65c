/** What travels between the server and its clients and must not be read from the database. */
const NAMES =
  /^(access_token|refresh_token|id_token|code|device_code|user_code|client_secret|registration_access_token|request_uri|csrf_token|password|new_password|current_password|code_verifier|token|secret|envelope|subject_token|state|login_hint)$/;
/** Shorter values stand everywhere by chance. */
const SHORTEST = 8;

export interface SeenSecret {
  /** Where it was seen. */
  readonly what: string;
  readonly value: string;
}

/** Watches every request of this spec from outside, and keeps the secrets that go by. */
export class SeenSecrets {
  private readonly seen = new Map<string, string>();
  private readonly fetched = globalThis.fetch;

  constructor() {
    globalThis.fetch = async (input, init) => {
      const response = await this.fetched(input, init);
      this.fields('a request', init?.body);
      this.authorization(new Headers(init?.headers).get('authorization'));
      this.cookies(response);
      const location = response.headers.get('location');
      if (location !== null) this.query('a redirect', location);
      this.body(await response.clone().text());
      return response;
    };
  }

  stop(): void {
    globalThis.fetch = this.fetched;
  }

  note(what: string, value: string): void {
    if (value.length >= SHORTEST && !this.seen.has(value)) this.seen.set(value, what);
  }

  /** A link, of which the query is secret. */
  link(path: string | undefined): string {
    if (path === undefined) throw new Error('no link was mailed');
    this.query('a mailed link', path);
    return path;
  }

  get all(): SeenSecret[] {
    return [...this.seen].map(([value, what]) => ({ what, value }));
  }

  private cookies(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      for (const part of decodeURIComponent(value).split('.')) this.note(`cookie ${name}`, part);
    }
  }

  private authorization(header: string | null): void {
    const [scheme, credentials = ''] = header?.split(' ') ?? [];
    if (scheme === 'Basic') {
      const [, secret = ''] = Buffer.from(credentials, 'base64').toString().split(':');
      this.note('client secret', decodeURIComponent(secret));
    } else {
      this.token(`authorization ${scheme}`, credentials);
    }
  }

  private body(text: string): void {
    if (text.startsWith('{')) this.members(JSON.parse(text));
    for (const [tag] of text.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
      const [name, value] = [/name="([^"]*)"/.exec(tag)?.[1], /value="([^"]*)"/.exec(tag)?.[1]];
      this.named('a hidden field', name ?? '', value ?? '');
    }
  }

  private members(value: unknown): void {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, member] of Object.entries(value)) {
      if (typeof member === 'string') this.named('an answer', name, member);
      else this.members(member);
    }
  }

  private fields(what: string, body: RequestInit['body']): void {
    if (!(body instanceof URLSearchParams)) return;
    for (const [name, value] of body) this.named(what, name, value);
  }

  private query(what: string, path: string): void {
    for (const [name, value] of new URL(path, 'http://localhost').searchParams) this.named(what, name, value);
  }

  private named(what: string, name: string, value: string): void {
    if (NAMES.test(name)) this.token(`${name} of ${what}`, value);
  }

  /** Whole, and what makes it more than the parts that the database may have: its signature or MAC, its reference. */
  private token(what: string, value: string): void {
    this.note(what, value);
    const last = value.split(/[.:]/).at(-1) ?? '';
    if (last.length >= 20) this.note(`the end of ${what}`, last);
  }
}

/** The spellings in which a secret could stand in a dump, and the bytes that it stands for. */
export function spellings(value: string): string[] {
  const bare = value.replaceAll('-', '');
  const texts = new Set([value, bare, value.toLowerCase(), bare.toLowerCase(), encodeURIComponent(value)]);
  const bytes = [...texts].map((text) => Buffer.from(text));
  // with a prefix that says what it is, or without
  const random = value.replace(/^[a-z]+_/, '');
  if (/^[\w+/=-]{20,}$/.test(random)) bytes.push(Buffer.from(random, 'base64'));
  return [...texts, ...bytes.flatMap(encoded)];
}

/** Of bytes that are secret themselves. */
export function encoded(bytes: Buffer): string[] {
  return [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
}
