/** A browser without a screen: keeps cookies per host name, sends what browsers send, follows nothing by itself. */
export class CookieBrowser {
  readonly jar = new Map<string, string>();

  async get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send(url, { headers: { accept: 'text/html', 'sec-fetch-site': 'none', ...headers } });
  }

  async post(
    url: string,
    headers: Record<string, string>,
    form: Record<string, string> = {},
  ): Promise<Response> {
    return this.send(url, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { accept: 'text/html', ...headers },
    });
  }

  /** Follows redirects as a browser does, and answers with the last response. */
  async visit(url: string): Promise<{ response: Response; url: string; steps: string[] }> {
    const steps: string[] = [];
    let at = url;
    for (let step = 0; step < 10; step += 1) {
      const response = await this.get(at);
      const location = response.headers.get('location');
      if (location === null) return { response, url: at, steps };
      await response.body?.cancel();
      at = new URL(location, at).href;
      steps.push(at);
    }
    throw new Error(`redirects without end: ${steps.join(' ')}`);
  }

  private async send(
    url: string,
    init: RequestInit & { headers: Record<string, string> },
  ): Promise<Response> {
    const cookie = [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = cookie ? { ...init.headers, cookie } : init.headers;
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (/max-age=0/i.test(line)) this.jar.delete(pair.slice(0, at));
      else this.jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }
}
