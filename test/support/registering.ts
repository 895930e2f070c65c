import type { Answer, TestClient, World } from './world.js';

/** A call of the registration endpoint, or of a registration's own address. */
export async function callRegistration(
  url: string,
  { method = 'POST', body, token }: { method?: string; body?: unknown; token?: string | undefined } = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** What registered, as a client that tests can use. */
export function clientOf({ body }: Answer): TestClient {
  return {
    id: String(body['client_id']),
    secret: body['client_secret'] as string | undefined,
    redirectUri: (body['redirect_uris'] as string[])[0] ?? '',
  };
}

/** A code for a client that a person must consent to, who does. */
export async function consentedCode(
  world: World,
  client: TestClient,
  email = 'member@acme.example',
  extra: Readonly<Record<string, string>> = {},
): Promise<{ code: string; verifier: string }> {
  const browser = await world.signIn(email);
  const { path, verifier } = world.authorizationRequest(client, { scope: 'openid profile', ...extra });
  const page = new URL((await browser.get(path)).headers.get('location') ?? '', world.url);
  if (page.pathname !== '/consent') throw new Error(`no consent was asked for: ${page.href}`);
  const allowed = await browser.submit(page.pathname + page.search, '/consent', { decision: 'allow' });
  const answer = await browser.get(allowed.headers.get('location') ?? '');
  const code = new URL(answer.headers.get('location') ?? '', world.url).searchParams.get('code');
  if (code === null) throw new Error(`no code: ${answer.status} ${await answer.text()}`);
  return { code, verifier };
}
