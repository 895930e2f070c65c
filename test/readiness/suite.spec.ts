import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { coreAuthUrl } from '../../libs/readiness/controls/config/core-auth-url.control.js';
import {
  moduleUrls,
  oauthClientId,
  oauthClientSecret,
} from '../../libs/readiness/controls/config/modules.control.js';
import { cdn, dns, domain, tlsCertificates } from '../../libs/readiness/controls/config/network.control.js';
import { csrfState } from '../../libs/readiness/controls/security/csrf-state.control.js';
import { httpsEnforced } from '../../libs/readiness/controls/security/https-enforced.control.js';
import { problems, secureCookies } from '../../libs/readiness/controls/security/secure-cookies.control.js';
import type { ProbeRequest, ProbeResponse } from '../../libs/readiness/http-probe.js';
import { HttpProbe } from '../../libs/readiness/http-probe.js';
import { ProbeFlows } from '../../libs/readiness/probe-flows.js';
import { parseSetCookie } from '../../libs/readiness/probe-browser.js';
import type { Control } from '../../libs/readiness/control.js';
import type { ControlContext } from '../../libs/readiness/control-context.js';
import { TestClock } from '../support/test-clock.js';
import { configurationWith, type ReadinessWorld } from './readiness-world.js';
import { CERTIFICATE_ENDS, Suite } from './suite.js';

let suite: Suite;
let readiness: ReadinessWorld;

beforeAll(async () => {
  suite = await Suite.start({ secure: true });
  readiness = suite.readiness;
}, 60_000);

afterAll(() => suite?.stop());

const verify = (control: Control, changed: Partial<ControlContext> = {}) =>
  readiness.verify(control, { ...suite.trusting, ...changed });

/** Answers as the network does, except where `change` says otherwise. */
function through(change: (url: URL, options: ProbeRequest) => Partial<ProbeResponse> | undefined): HttpProbe {
  const { http } = suite.trusting;
  return Object.create(http, {
    request: {
      value: async (url: URL | string, options: ProbeRequest = {}) => {
        const changed = change(new URL(url), options);
        if (changed?.status !== undefined)
          return { url: new URL(url), headers: {}, setCookie: [], body: '', ...changed };
        const answer = await http.request(url, options);
        return { ...answer, headers: { ...answer.headers, ...changed?.headers } };
      },
    },
  }) as HttpProbe;
}

describe('security.auth.secure-cookies', () => {
  it('is verified for the server and its module behind TLS', async () => {
    expect(await verify(secureCookies)).toMatchObject({
      state: 'verified',
      seen: expect.stringContaining('__Host-projects'),
    });
  });

  it.each([
    ['the prefix', /^__Host-/],
    ['HttpOnly', /; HttpOnly/i],
    ['Secure', /; Secure/i],
    ['SameSite', /; SameSite=\w+/i],
    ['Path=/', /; Path=\/(?=;|$)/i],
  ])('a cookie without %s is a problem', (_, attribute) => {
    const whole = '__Host-session=x; Path=/; HttpOnly; Secure; SameSite=Lax';
    expect(problems(parseSetCookie(whole))).toEqual([]);
    expect(problems(parseSetCookie(whole.replace(attribute, '')))).toHaveLength(1);
    expect(problems(parseSetCookie(`${whole}; Domain=example.com`))).toHaveLength(1);
  });
});

describe('security.auth.csrf-state', () => {
  it('is verified when the module refuses a callback without its state, with another one, or twice', async () => {
    expect(await verify(csrfState)).toMatchObject({ state: 'verified' });
  });

  it.each([
    ['without its state', 1],
    ["with another browser's state", 2],
    ['a second time', 4],
  ])('is red when the module takes a callback %s', async (what, taken) => {
    let callbacks = 0;
    const http = through(({ pathname }) =>
      pathname === '/auth/callback' && (callbacks += 1) === taken
        ? { status: 303, headers: { location: '/' } }
        : undefined,
    );
    const flows = async (signal: AbortSignal) =>
      new ProbeFlows(http, suite.issuer, (await readiness.context.flows(signal)).identity, signal);
    expect(await verify(csrfState, { http, flows })).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining(what),
    });
  });

  it('is unknown while the module cannot be reached', async () => {
    await readiness.sql(
      "UPDATE clients SET redirect_uris = '{https://projects.example/callback}' WHERE id = 'projects'",
    );
    await readiness.sql("INSERT INTO outbox (kind, subject) VALUES ('client-changed', 'projects')");
    await readiness.world.heard();
    expect(await verify(csrfState)).toMatchObject({
      state: 'unknown',
      missing: expect.stringContaining('projects'),
    });
    await readiness.sql("UPDATE clients SET redirect_uris = ARRAY[$1] WHERE id = 'projects'", [
      `${suite.moduleUrl}/auth/callback`,
    ]);
    await readiness.sql("INSERT INTO outbox (kind, subject) VALUES ('client-changed', 'projects')");
    await readiness.world.heard();
  });
});

describe('config.env.module-urls', () => {
  it('is verified, red while the module is down, and red without its callback', async () => {
    expect(await verify(moduleUrls)).toMatchObject({ state: 'verified' });
    const down = through(({ pathname }) => (pathname === '/health/ready' ? { status: 503 } : undefined));
    expect(await verify(moduleUrls, { http: down })).toMatchObject({ state: 'failed', seen: 'HTTP 503' });
    await readiness.sql("UPDATE modules SET base_url = 'projects.example' WHERE key = 'projects'");
    expect(await verify(moduleUrls)).toMatchObject({ state: 'failed', expected: 'an absolute URL' });
    await readiness.sql("UPDATE modules SET base_url = 'https://elsewhere.example' WHERE key = 'projects'");
    expect(await verify(moduleUrls)).toMatchObject({
      state: 'failed',
      expected: expect.stringContaining('/auth/callback registered'),
    });
    await readiness.sql("UPDATE modules SET base_url = $1 WHERE key = 'projects'", [suite.moduleUrl]);
    expect(await verify(moduleUrls)).toMatchObject({ state: 'verified' });
  });
});

describe('config.env.oauth-client-id', () => {
  it('is verified, and red when the client belongs to no module or is disabled', async () => {
    expect(await verify(oauthClientId)).toMatchObject({ state: 'verified', seen: 'projects is "projects"' });
    await readiness.sql("UPDATE clients SET disabled_at = now() WHERE id = 'projects'");
    expect(await verify(oauthClientId)).toMatchObject({ state: 'failed', seen: '"projects" is disabled' });
    await readiness.sql("UPDATE clients SET disabled_at = NULL, module_key = NULL WHERE id = 'projects'");
    expect(await verify(oauthClientId)).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('not a client of projects'),
    });
    await readiness.sql("UPDATE clients SET module_key = 'projects' WHERE id = 'projects'");
    expect(await verify(oauthClientId)).toMatchObject({ state: 'verified' });
  });
});

describe('config.env.oauth-client-secret', () => {
  it('is unknown with a right secret, whose length is not seen; red with an old one or an example', async () => {
    expect(await verify(oauthClientSecret)).toMatchObject({
      state: 'unknown',
      seen: expect.stringContaining('exchanged a code'),
    });
    const right = Buffer.from(readiness.world.id('secret:projects'));
    await readiness.sql(
      "UPDATE clients SET secret_sha256 = sha256('another secret of the client') WHERE id = 'projects'",
    );
    await readiness.sql("INSERT INTO outbox (kind, subject) VALUES ('client-changed', 'projects')");
    await readiness.world.heard();
    expect(await verify(oauthClientSecret)).toMatchObject({ state: 'failed' });
    await readiness.sql("UPDATE clients SET secret_sha256 = sha256('changeme') WHERE id = 'projects'");
    expect(await verify(oauthClientSecret)).toMatchObject({
      state: 'failed',
      seen: 'an example at projects',
    });
    await readiness.sql("UPDATE clients SET secret_sha256 = sha256($1::bytea) WHERE id = 'projects'", [
      right,
    ]);
    await readiness.sql("INSERT INTO outbox (kind, subject) VALUES ('client-changed', 'projects')");
    await readiness.world.heard();
    expect(await verify(oauthClientSecret)).toMatchObject({ state: 'unknown' });
  });
});

describe('config.env.core-auth-url', () => {
  it('is verified through TLS, and red for another host, another issuer, or plain http off loopback', async () => {
    expect(await verify(coreAuthUrl)).toMatchObject({ state: 'verified' });
    const other = (issuer: string) => ({
      configuration: configurationWith(readiness.configuration, { issuer }),
    });
    expect(await verify(coreAuthUrl, other('https://localhost:1'))).toMatchObject({ state: 'failed' });
    expect(
      await verify(coreAuthUrl, other(`http://localhost:${readiness.configuration.port}`)),
    ).toMatchObject({
      state: 'failed',
      seen: suite.issuer,
    });
    expect(await verify(coreAuthUrl, other('http://auth.example.com'))).toMatchObject({ state: 'failed' });
  });
});

describe('config.net.domain', () => {
  it('is verified, red for a module on another domain, and red for localhost in production', async () => {
    expect(await verify(domain)).toMatchObject({ state: 'verified' });
    const configuration = configurationWith(readiness.configuration, { environment: 'production' });
    expect(await verify(domain, { configuration })).toMatchObject({
      state: 'failed',
      expected: 'no localhost in production',
    });
    await readiness.sql(
      "UPDATE modules SET base_url = 'https://projects.elsewhere.example' WHERE key = 'projects'",
    );
    expect(await verify(domain)).toMatchObject({
      state: 'failed',
      seen: 'projects is at projects.elsewhere.example',
    });
    await readiness.sql("UPDATE modules SET base_url = $1 WHERE key = 'projects'", [suite.moduleUrl]);
  });
});

describe('config.net.tls-certificates', () => {
  it('is verified, red with three days left, and red for a chain that nobody trusts', async () => {
    expect(await verify(tlsCertificates)).toMatchObject({ state: 'verified' });
    const clock = new TestClock(new Date(CERTIFICATE_ENDS.getTime() - 3 * 86_400_000 - 1000));
    expect(await verify(tlsCertificates, { clock })).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('3 days left'),
    });
    expect(await verify(tlsCertificates, { http: new HttpProbe() })).toMatchObject({
      state: 'failed',
      seen: expect.stringContaining('SELF_SIGNED'),
    });
  });
});

describe('config.net.dns', () => {
  it('is verified, red for a name that does not resolve, and red when another answers', async () => {
    expect(await verify(dns)).toMatchObject({ state: 'verified' });
    expect(
      await verify(dns, {
        configuration: configurationWith(readiness.configuration, { issuer: 'https://nowhere.invalid' }),
      }),
    ).toMatchObject({
      state: 'failed',
      expected: 'nowhere.invalid resolves',
    });
    expect(await verify(dns, { instance: 'another' })).toMatchObject({ state: 'failed' });
  });
});

describe('security.auth.https-enforced', () => {
  const refusing = (change: { hsts?: string; plain?: ProbeResponse['status']; forwarded?: number }) =>
    through(({ protocol, port }, { headers }) => {
      if (headers?.['x-forwarded-proto'] === 'http') return { status: change.forwarded ?? 403 };
      if (protocol === 'http:' && port === '')
        return { status: change.plain ?? 308, headers: { location: 'https://localhost/' } };
      return change.hsts === undefined
        ? undefined
        : { headers: { 'strict-transport-security': change.hsts } };
    });

  it('is verified when http leads to https, which binds browsers, and the server refuses forwarded http', async () => {
    expect(await verify(httpsEnforced, { http: refusing({}) })).toMatchObject({ state: 'verified' });
  });

  it.each([
    ['the redirect is dropped', { plain: 200 }],
    ['HSTS is dropped', { hsts: '' }],
    ['HSTS lasts a day', { hsts: 'max-age=86400' }],
    ['the server takes what came by http', { forwarded: 200 }],
  ])('is red when %s', async (_, change) => {
    expect(await verify(httpsEnforced, { http: refusing(change) })).toMatchObject({ state: 'failed' });
  });
});

describe('config.net.cdn', () => {
  it('does not apply with assets that may be kept and come compressed, and is red with no-store', async () => {
    const compressed = through(({ pathname }) =>
      pathname.endsWith('.css') ? { headers: { 'content-encoding': 'br' } } : undefined,
    );
    expect(await verify(cdn, { http: compressed })).toMatchObject({ state: 'not-applicable' });
    const stored = through(({ pathname }) =>
      pathname.endsWith('.css') ? { headers: { 'cache-control': 'no-store' } } : undefined,
    );
    expect(await verify(cdn, { http: stored })).toMatchObject({ state: 'failed' });
  });
});
