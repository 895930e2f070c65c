import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from '../../apps/projects/bootstrap.js';
import { ProjectsDatabase } from '../../apps/projects/database.js';
import { loadSettings } from '../../apps/projects/settings.js';
import { createDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/ports.js';
import { CookieBrowser } from './browser.js';
import { CLIENT, FakeCoreAuth, licensedSnapshot, ORGANIZATION } from './fake-core-auth.js';

const OTHER = '0190a000-0000-7000-8000-0000000000a2';

describe('the projects module', () => {
  let core: FakeCoreAuth;
  let database: TestDatabase;
  let app: NestFastifyApplication;
  let url: string;
  let version = 1;

  beforeAll(async () => {
    core = await FakeCoreAuth.start();
    database = await createDatabase({ empty: true });
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const settings = loadSettings({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      MODULE_URL: url,
      CORE_AUTH_URL: core.issuer,
      OAUTH_CLIENT_SECRET: CLIENT.secret,
      DATABASE_URL: database.url,
    });
    // two processes that start at once, on an empty database
    const [first, second] = await Promise.all([createApplication(settings), createApplication(settings)]);
    await Promise.all([first.init(), second.init()]);
    await second.close();
    app = first;
    await app.listen(port, '127.0.0.1');
  });
  afterAll(async () => {
    await app.close();
    await core.stop();
    await database.drop();
  });
  beforeEach(async () => {
    await license({ projects: null, export: true });
  });

  /** What acme's plan includes from now on; waits until the module has heard of it. */
  const license = async (features: Record<string, number | boolean | null>) => {
    version += 1;
    core.snapshot = licensedSnapshot({ features }, version);
    core.publish('license-changed', ORGANIZATION);
    await new Promise((resolve) => setTimeout(resolve, 50));
  };
  const api = async (method: string, path: string, body?: unknown, claims: Record<string, unknown> = {}) => {
    const token = await core.accessToken(url, claims);
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const create = (name: string, claims = {}) => api('POST', '/api/projects', { name }, claims);

  it('creates and lists the projects of an organization, and shows them to no other', async () => {
    const created = await create('  Website  ');
    expect(created).toMatchObject({ status: 201, body: { name: 'Website', status: 'active' } });
    expect((await api('GET', '/api/projects')).body).toMatchObject({ projects: [{ name: 'Website' }] });
    core.snapshot = {
      ...licensedSnapshot({}, version),
      organization: { id: OTHER, key: 'other', state: 'active' },
    };
    const other = await api('GET', '/api/projects', undefined, {
      organization_id: OTHER,
      organization: 'other',
    });
    expect(other).toEqual({ status: 200, body: { projects: [] } });
  });

  it('pages through many, newest first, each exactly once', async () => {
    for (let number = 0; number < 5; number += 1) await create(`Paged ${number}`);
    const seen: string[] = [];
    let after = '';
    for (;;) {
      const { body } = await api('GET', `/api/projects?limit=2${after}`);
      const page = body['projects'] as { id: string; name: string }[];
      seen.push(...page.map(({ name }) => name));
      if (page.length < 2) break;
      after = `&after=${page[1]?.id}`;
    }
    expect(seen.filter((name) => name.startsWith('Paged'))).toEqual([
      'Paged 4',
      'Paged 3',
      'Paged 2',
      'Paged 1',
      'Paged 0',
    ]);
  });

  it('says so when a page is asked for after a project that is no more, or another organization’s', async () => {
    const ids: string[] = [];
    for (const name of ['Ends', 'Between', 'Pages']) ids.push(String((await create(name)).body['id']));
    const last = ids[1] ?? '';
    const after = `/api/projects?limit=1&after=${last}`;
    expect((await api('GET', after)).body).toMatchObject({ projects: [{ id: ids[0] }] });
    await app.get(ProjectsDatabase).query(
      'remove',
      `WITH removed AS (DELETE FROM projects.projects WHERE id = $1 RETURNING organization_id)
       UPDATE projects.project_counters SET projects = projects - 1
        WHERE organization_id = (SELECT organization_id FROM removed)`,
      [last],
    );
    const gone = await api('GET', after);
    expect(gone).toMatchObject({ status: 400, body: { code: 'UNKNOWN_CURSOR' } });
    const foreign = `/api/projects?after=${ids[0]}`;
    core.snapshot = {
      ...licensedSnapshot({}, version),
      organization: { id: OTHER, key: 'other', state: 'active' },
    };
    const other = await api('GET', foreign, undefined, { organization_id: OTHER, organization: 'other' });
    expect([other.status, other.body['detail']]).toEqual([gone.status, gone.body['detail']]);
  });

  it.each([
    [{}, 'The name must be text'],
    [{ name: '   ' }, 'The name must have 1 to 120 characters'],
    [{ name: 'x'.repeat(121) }, 'The name must have 1 to 120 characters'],
    [{ name: 'a\u0007b' }, 'control characters'],
    [{ name: '\u200b\u200d' }, 'The name must have a character that can be seen'],
    [{ name: '\u3164' }, 'The name must have a character that can be seen'],
    [{ name: 'Web\u202egnp' }, 'invisible or turn the text'],
    [{ name: 'Web\u200bsite' }, 'invisible or turn the text'],
    [{ name: 'Website\u200d' }, 'invisible or turn the text'],
    [{ name: 'Website \u200c x' }, 'invisible or turn the text'],
    [{ name: 'half \ud83d' }, 'invisible or turn the text'],
    [{ name: 'a', status: 'deleted' }, 'The status must be one of'],
    [{ name: 'a', organization_id: OTHER }, 'organization_id'],
    ['{"name":', ''],
  ])('answers 400 with the reason to %j', async (body, reason) => {
    const answer = await api('POST', '/api/projects', body);
    expect(answer.status).toBe(400);
    expect(answer.body['detail']).toContain(reason);
  });

  it.each(['می\u200cخواهم', '\u{1f469}\u200d\u{1f4bb} tools', '\u{1f5c2}\ufe0f', '日本', '42', '-'])(
    'takes the name %s, joiners inside it too',
    async (name) => {
      expect(await create(name)).toMatchObject({ status: 201, body: { name } });
    },
  );

  it('wants projects:write to create', async () => {
    const answer = await create('Nope', { scope: 'openid projects:read' });
    expect(answer).toMatchObject({ status: 403, body: { code: 'insufficient_scope' } });
  });

  it('lets through exactly as many as the plan has room for, however many come at once', async () => {
    const { body } = await api('GET', '/api/projects?limit=200');
    const used = (body['projects'] as unknown[]).length;
    await license({ projects: used + 3, export: true });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, number) => create(`Race ${number}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    const refused = answers.filter(({ status }) => status === 403);
    expect(refused).toHaveLength(17);
    expect(refused[0]?.body).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      limit: used + 3,
      detail: `The plan for Projects limits projects to ${used + 3}. Ask an owner or administrator of acme to extend it.`,
    });
  });

  it('lets nobody create where the plan allows none', async () => {
    core.snapshot = {
      ...licensedSnapshot({ features: { projects: 0 } }, version),
      organization: { id: OTHER, key: 'other', state: 'active' },
    };
    core.publish('license-changed', OTHER, new Date(), OTHER);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await create('None', { organization_id: OTHER, organization: 'other' })).toMatchObject({
      status: 403,
    });
  });

  describe('in a browser', () => {
    const browser = new CookieBrowser();
    const same = { 'sec-fetch-site': 'same-origin' };
    const shown = { organization_id: ORGANIZATION };
    const names = async (claims = {}) => {
      const { body } = await api('GET', '/api/projects?limit=200', undefined, claims);
      return (body['projects'] as { name: string }[]).map(({ name }) => name);
    };

    it('shows the page under a strict policy, with every name escaped', async () => {
      await create('<script>alert(1)</script>');
      const { response } = await browser.visit(`${url}/`);
      const html = await response.text();
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(html).toContain('&lt;script>');
      expect(html).not.toContain('<script');
      expect(html).toContain('Ada Byron');
      expect(html).toContain('http://localhost:3002/auth/sign-in');
    });

    it('creates, changes the status, and shows the form again with what was wrong', async () => {
      const created = await browser.post(`${url}/projects`, same, { ...shown, name: 'By form' });
      expect(created.headers.get('location')).toBe('/');
      const { body } = await api('GET', '/api/projects?limit=1');
      const [project] = body['projects'] as { id: string }[];
      const form = { ...shown, status: 'done' };
      const changed = await browser.post(`${url}/projects/${project?.id}/status`, same, form);
      expect(changed.status).toBe(303);
      expect((await api('GET', '/api/projects?limit=1')).body).toMatchObject({
        projects: [{ name: 'By form', status: 'done' }],
      });
      const again = await browser.post(`${url}/projects`, same, { ...shown, name: '' });
      expect(again.status).toBe(400);
      expect(await again.text()).toContain('The name must have 1 to 120 characters');
    });

    it("does not change another organization's project", async () => {
      const form = { ...shown, status: 'done' };
      const missing = await browser.post(`${url}/projects/${OTHER}/status`, same, form);
      expect(missing.status).toBe(404);
    });

    it('writes nothing for a form that names another organization, or none', async () => {
      const before = await names();
      const { body } = await api('GET', '/api/projects?limit=1');
      const [project] = body['projects'] as { id: string; status: string }[];
      const forms: Record<string, string>[] = [{ organization_id: OTHER }, { organization_id: '' }, {}];
      for (const other of forms) {
        const created = await browser.post(`${url}/projects`, same, { ...other, name: 'Astray' });
        const path = `${url}/projects/${project?.id}/status`;
        const changed = await browser.post(path, same, { ...other, status: 'done' });
        expect([created.status, changed.status]).toEqual([409, 409]);
        expect(await created.text()).toContain(
          'You switched organization in another tab. Reload the page and try again.',
        );
      }
      const program = { ...same, accept: 'application/json' };
      const problem = await browser.post(`${url}/projects`, program, { name: 'Astray' });
      expect(await problem.json()).toMatchObject({ status: 409, code: 'ORGANIZATION_SWITCHED' });
      expect(await names()).toEqual(before);
      expect((await api('GET', '/api/projects?limit=1')).body).toMatchObject({ projects: [project] });
    });

    it('refuses the forms of a tab that was open before the organization was switched', async () => {
      const hidden = /name="organization_id" value="([^"]*)"/g;
      const valuesOf = (html: string) => new Set([...html.matchAll(hidden)].map(([, value]) => value));
      const html = await (await browser.get(`${url}/`)).text();
      expect([...html.matchAll(/<form[^>]*action="\/projects/g)].length).toBeGreaterThan(1);
      expect([...html.matchAll(hidden)]).toHaveLength([...html.matchAll(/action="\/projects/g)].length);
      expect(valuesOf(html)).toEqual(new Set([ORGANIZATION]));

      const claims = { organization_id: OTHER, organization: 'other' };
      const switched = new CookieBrowser();
      core.accessTokenClaims = claims;
      core.snapshot = {
        ...licensedSnapshot({ features: { projects: null } }, version),
        organization: { id: OTHER, key: 'other', state: 'active' },
      };
      core.publish('license-changed', OTHER, new Date(), OTHER);
      await new Promise((resolve) => setTimeout(resolve, 50));
      try {
        const after = await (await switched.visit(`${url}/`)).response.text();
        expect(valuesOf(after)).toEqual(new Set([OTHER]));
        const stale = await switched.post(`${url}/projects`, same, { ...shown, name: 'Astray' });
        expect(stale.status).toBe(409);
        expect(await names(claims)).toEqual([]);
        const fresh = { organization_id: OTHER, name: 'Where it belongs' };
        expect((await switched.post(`${url}/projects`, same, fresh)).status).toBe(303);
        expect(await names(claims)).toEqual(['Where it belongs']);
      } finally {
        core.accessTokenClaims = {};
      }
    });

    it('exports CSV where the plan includes it, no formula in it', async () => {
      await create('=1+1');
      const response = await browser.get(`${url}/projects.csv`);
      expect(response.headers.get('content-disposition')).toContain('projects.csv');
      expect(await response.text()).toContain('\r\n"\'=1+1","Active",');
      await license({ projects: null, export: false });
      const refused = await browser.get(`${url}/projects.csv`);
      expect(refused.status).toBe(403);
      expect(await refused.text()).toContain('The plan for Projects does not include export. Ask');
    });
  });
});
