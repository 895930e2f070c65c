import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AdministratorRepository } from '#accounts';
import { Database, sql } from '#platform';
import { pathTo } from '../../support/answers.js';
import { formOf, present, setUpApp, withPassword } from '../../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../../support/http-browser.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

const OPERATOR = 'operator@seller.example';
const CONSOLE = '/console/licenses';
const STEP_UP = `/step-up?return_to=${encodeURIComponent(CONSOLE)}`;
const TOTP = '/account/security/totp';

describe('OWASP ASVS 5.0 V6.3.3: an operator administers with a second factor', () => {
  let admin: AdministrationWorld;
  let license: string;

  beforeAll(async () => {
    admin = await AdministrationWorld.start({ env: { CORE_AUTH_OPERATOR_SECOND_FACTOR: 'on' } });
    license = await admin.world.license('acme', 'reports', { seatModel: 'named', seatLimit: 1 });
  });
  afterAll(() => admin.stop());

  const seats = () =>
    admin.world.app
      .get(Database)
      .query(sql`SELECT user_id FROM seat_assignments WHERE license_id = ${license}`);
  const textOf = async (browser: HttpBrowser, path: string) => (await browser.get(path)).text();
  const assign = async (browser: HttpBrowser) =>
    browser.post(`${CONSOLE}/${license}/seats`, {
      ...(await formOf(browser, '/account')),
      user_id: admin.world.id('member@acme.example'),
    });
  const challenged = async (token: string) => {
    for (const [method, path] of [
      ['GET', '/v1/licenses'],
      ['PUT', `/v1/licenses/${license}/seats/${admin.world.id('member@acme.example')}`],
    ] as const) {
      const answer = await admin.call(method, path, { token });
      expect(answer).toMatchObject({ status: 401, body: { code: 'insufficient_user_authentication' } });
      expect(answer.headers.get('www-authenticate')).toMatch(
        /^Bearer error="insufficient_user_authentication", error_description="[^"]+", acr_values="aal2"$/,
      );
    }
    expect(await seats()).toEqual([]);
  };

  it('by a password alone reaches nothing, is led to add a factor, and then comes to where they were going', async () => {
    const browser = await admin.world.signIn(OPERATOR);
    expect(pathTo(await browser.get(CONSOLE))).toBe(STEP_UP);
    expect(pathTo(await browser.get(`${CONSOLE}/${license}`))).toMatch(/^\/step-up/);
    expect(pathTo(await assign(browser))).toBe(STEP_UP);
    await challenged(await admin.tokenIn(browser));

    const offer = await textOf(browser, STEP_UP);
    expect(offer).toContain('The administration of licenses asks for more than a password');
    expect(offer).toContain(`href="${TOTP}?return_to=${encodeURIComponent(CONSOLE)}"`);
    expect(offer).not.toContain('Not now');
    const declined = await browser.post('/step-up', hiddenFields(await textOf(browser, '/account')));
    expect(declined.status).toBe(303);
    expect(pathTo(await browser.get(CONSOLE))).toBe(STEP_UP);
    const refused = await browser.post('/step-up', {
      ...(await formOf(browser, '/account')),
      return_to: CONSOLE,
    });
    expect(refused.status).toBe(403);

    const { response } = await setUpApp(
      admin.world,
      browser,
      `${TOTP}?return_to=${encodeURIComponent(CONSOLE)}`,
    );
    expect(await response.text()).toContain(`href="${CONSOLE}"`);
    expect(await textOf(browser, CONSOLE)).toContain('Reports for Acme Corporation');
    const token = await admin.tokenIn(browser);
    expect((await admin.call('GET', '/v1/licenses', { token })).status).toBe(200);
  });

  it('who has a factor is asked for it, also in a browser that stands for it, and by an application too', async () => {
    const email = await anotherOperator();
    const browser = await admin.world.signIn(email);
    const { app } = await setUpApp(admin.world, browser);
    await withPassword(admin.world, email, browser);
    await present(browser, { method: 'totp', code: app.freshCode(), remember: 'on' });
    await admin.world.signIn(email, browser);
    expect(pathTo(await browser.get(CONSOLE))).toBe(STEP_UP);
    await challenged(await admin.tokenIn(browser));
    const page = pathTo(await browser.get(STEP_UP));
    expect(page).toBe(`/sign-in/second-factor?return_to=${encodeURIComponent(CONSOLE)}`);
    expect(pathTo(await present(browser, { method: 'totp', code: app.freshCode() }, page))).toBe(CONSOLE);
    expect((await browser.get(CONSOLE)).status).toBe(200);
    const token = await admin.tokenIn(browser);
    expect((await admin.call('GET', '/v1/licenses', { token })).status).toBe(200);
  });

  it('the session and the token in which a factor was proven are not enough once it is removed', async () => {
    const browser = await admin.world.signIn(await anotherOperator());
    await setUpApp(admin.world, browser);
    const token = await admin.tokenIn(browser);
    expect((await admin.call('GET', '/v1/licenses', { token })).status).toBe(200);
    await browser.post(`${TOTP}/remove`, await formOf(browser, '/account/security'));
    expect(pathTo(await browser.get(CONSOLE))).toBe(STEP_UP);
    await challenged(token);
    expect(await textOf(browser, STEP_UP)).toContain('Add a second factor');
  });

  it('nobody else is asked: owners for their own, machines for everything', async () => {
    const owner = await admin.world.signIn('owner@acme.example');
    expect(await textOf(owner, CONSOLE)).toContain('What Acme Corporation has bought');
    expect((await admin.call('GET', '/v1/licenses', { token: await admin.owner })).status).toBe(200);
    const token = await admin.machineToken(admin.console);
    expect((await admin.call('GET', '/v1/licenses', { token })).status).toBe(200);
  });

  let others = 0;
  async function anotherOperator(): Promise<string> {
    const email = `operator-${(others += 1)}@seller.example`;
    await admin.world.createPerson(email, 'Ona Operator', { globex: 'member' });
    await admin.world.app.get(AdministratorRepository).setOperator(admin.world.id(email), true, 'test');
    return email;
  }
});
