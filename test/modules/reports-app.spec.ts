import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApplication } from '../../apps/reports/bootstrap.js';
import { loadSettings } from '../../apps/reports/settings.js';
import { freePort } from '../support/ports.js';
import { CookieBrowser } from './browser.js';
import { CLIENT, FakeCoreAuth, licensedSnapshot, ORGANIZATION } from './fake-core-auth.js';

describe('the reports module', () => {
  let core: FakeCoreAuth;
  let projects: Server;
  let app: NestFastifyApplication;
  let url: string;
  let version = 1;
  let tokens: (string | undefined)[] = [];
  let answers: { status: number; body: unknown }[] = [];
  const counts = { status: 200, body: { counts: { active: 3, on_hold: 1, done: 0 } } };
  let browser: CookieBrowser;

  beforeAll(async () => {
    core = await FakeCoreAuth.start();
    projects = createServer((request, response) => {
      tokens.push(request.headers.authorization);
      const { status, body } = answers.shift() ?? counts;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => projects.listen(0, '127.0.0.1', resolve));
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    app = await createApplication(
      loadSettings({
        NODE_ENV: 'test',
        LOG_LEVEL: 'silent',
        MODULE_URL: url,
        CORE_AUTH_URL: core.issuer,
        OAUTH_CLIENT_ID: CLIENT.id,
        OAUTH_CLIENT_SECRET: CLIENT.secret,
        PROJECTS_URL: `http://127.0.0.1:${(projects.address() as AddressInfo).port}`,
      }),
    );
    await app.listen(port, '127.0.0.1');
  });
  afterAll(async () => {
    await app.close();
    await core.stop();
    projects.closeAllConnections();
    projects.close();
  });
  beforeEach(async () => {
    await license({});
    core.quota.used = 0;
    tokens = [];
    answers = [];
    browser = new CookieBrowser();
  });

  const license = async (overrides: Parameters<typeof licensedSnapshot>[0]) => {
    version += 1;
    const snapshot = licensedSnapshot(
      { module: 'reports', features: { export: true, 'rendered-reports': 10 }, ...overrides },
      version,
    );
    core.snapshot = { ...snapshot, modules: snapshot.modules.map((each) => ({ ...each, key: 'reports' })) };
    core.publish('license-changed', ORGANIZATION);
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const visit = async () => {
    const { response } = await browser.visit(`${url}/`);
    return { status: response.status, html: await response.text() };
  };

  it("draws the organization's projects, fetched with the person's own token", async () => {
    const { html } = await visit();
    expect(html).toContain('<desc id="chart-text">Active: 3, On hold: 1, Done: 0</desc>');
    expect(html).toContain('75 %');
    expect(tokens).toEqual([expect.stringMatching(/^Bearer eyJ/)]);
  });

  it('renews a token that projects refuses, once, and shows the chart', async () => {
    answers = [{ status: 401, body: {} }];
    const { html } = await visit();
    expect(html).toContain('Active: 3');
    expect(new Set(tokens).size).toBe(2);
  });

  it('says so when projects refuses the new token too', async () => {
    answers = [
      { status: 401, body: {} },
      { status: 401, body: {} },
    ];
    expect((await visit()).html).toContain('Projects did not accept your sign-in');
    expect(tokens).toHaveLength(2);
  });

  it("passes on projects' refusal in its words", async () => {
    answers = [{ status: 403, body: { code: 'NO_LICENSE', detail: 'Acme has no license for Projects.' } }];
    const { status, html } = await visit();
    expect(status).toBe(200);
    expect(html).toContain('Acme has no license for Projects.');
  });

  it('says so when projects does not answer', async () => {
    answers = [{ status: 500, body: 'x' }];
    expect((await visit()).html).toContain('Projects does not answer');
  });

  it('shows who to ask where the organization has no license for reports', async () => {
    await license({ status: 'suspended' });
    const { status, html } = await visit();
    expect(status).toBe(403);
    expect(html).toContain('The license for Reports is suspended. Ask an owner or administrator of Acme.');
    expect(tokens).toHaveLength(0);
  });

  it('counts each page of charts, says what is left, and refuses without asking projects once it is used up', async () => {
    core.quota.used = 8;
    expect((await visit()).html).toContain('1 of 10 reports left this month');
    expect((await visit()).html).toContain('0 of 10 reports left this month');
    const asked = tokens.length;
    const { status, html } = await visit();
    expect(status).toBe(429);
    expect(html).toContain('<h1>Quota used up</h1>');
    expect(html).toContain('The plan for Reports limits rendered reports to 10.');
    expect(html).toContain('or wait until the next period begins.');
    expect(tokens).toHaveLength(asked);
  });

  it('draws nothing that it cannot count', async () => {
    core.down.add('/v1/usage');
    const { status, html } = await visit();
    core.down.clear();
    expect([status, tokens.length]).toEqual([503, 0]);
    expect(html).toContain('cannot be checked right now');
  });

  it('exports CSV where the plan includes it', async () => {
    await visit();
    expect(await (await browser.get(`${url}/reports.csv`)).text()).toBe(
      '"Status","Projects"\r\n"Active","3"\r\n"On hold","1"\r\n"Done","0"\r\n',
    );
    await license({ features: {} });
    expect((await browser.get(`${url}/reports.csv`)).status).toBe(403);
  });
});
