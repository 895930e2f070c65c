/** What a browser keeps and sends, without one: cookies of one host, forms, and redirects only when told. */
export class HttpBrowser {
  private readonly cookies = new Map<string, string>();

  constructor(private readonly base: string) {}

  get cookieNames(): string[] {
    return [...this.cookies.keys()];
  }

  /** The value of a cookie, when this browser has it. */
  cookie(name: string): string | undefined {
    return this.cookies.get(name);
  }

  setCookie(name: string, value: string): void {
    this.cookies.set(name, value);
  }

  /** Another tab that shares nothing from now on, with the same cookies. */
  clone(): HttpBrowser {
    const copy = new HttpBrowser(this.base);
    for (const [name, value] of this.cookies) copy.setCookie(name, value);
    return copy;
  }

  /** The same browser at another node, to which it sends the same cookies. */
  at(base: string): HttpBrowser {
    const copy = new HttpBrowser(base);
    for (const [name, value] of this.cookies) copy.setCookie(name, value);
    return copy;
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return this.send(path, { headers });
  }

  async post(
    path: string,
    fields: Readonly<Record<string, string>> | URLSearchParams,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Response> {
    return this.send(path, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers: { 'sec-fetch-site': 'same-origin', ...headers },
    });
  }

  /** Shows the page at `path`, then submits its form with `fields` filled in. */
  async submit(path: string, action: string, fields: Readonly<Record<string, string>>): Promise<Response> {
    const page = await this.get(path);
    return this.post(action, { ...hiddenFields(await page.text()), ...fields });
  }

  private async send(
    path: string,
    init: RequestInit & { headers: Record<string, string> },
  ): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(new URL(path, this.base), {
      ...init,
      headers: { accept: 'text/html', ...init.headers, ...(cookie ? { cookie } : {}) },
      redirect: 'manual',
    });
    for (const line of response.headers.getSetCookie()) this.keep(line);
    return response;
  }

  private keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const separator = pair.indexOf('=');
    const [name, value] = [pair.slice(0, separator), pair.slice(separator + 1)];
    if (value === '' || attributes.includes('Max-Age=0')) this.cookies.delete(name);
    else this.cookies.set(name, value);
  }
}

/** The hidden fields of a page's forms, unescaped. */
export function hiddenFields(html: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [tag] of html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)) {
    const name = /name="([^"]*)"/.exec(tag)?.[1];
    if (name !== undefined) fields[name] = unescape(/value="([^"]*)"/.exec(tag)?.[1] ?? '');
  }
  return fields;
}

function unescape(text: string): string {
  return text
    .replaceAll('&quot;', '"')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}
