import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { PublicKeyCredentialCreationOptionsJSON } from '@simplewebauthn/server';
import { Client } from 'pg';
import { Deployment } from '../support/deployment.js';
import {
  App,
  formOf,
  optionsAt,
  present,
  recoveryCodesOn,
  secretOn,
  setUpApp,
  withPassword,
} from '../support/factors.js';
import { hiddenFields, type HttpBrowser } from '../support/http-browser.js';
import { SoftAuthenticator } from '../support/soft-authenticator.js';
import { statementsWait } from '../support/waiting-statements.js';
import type { World } from '../support/world.js';

jest.setTimeout(60_000);

const SECURITY = '/account/security';
const PASSKEYS = `${SECURITY}/passkeys`;

describe('changes of factors at one moment', () => {
  let deployment: Deployment;
  let world: World;
  let lock: Client;
  let people = 0;

  beforeAll(async () => {
    deployment = await Deployment.start();
    world = deployment.node(0);
    lock = new Client({ connectionString: world.database.url });
    await lock.connect();
  });
  afterAll(async () => {
    await lock.end();
    await deployment.stop();
  });

  const person = async () => {
    const email = `racer-${(people += 1)}@acme.example`;
    const id = await world.createPerson(email, `Racer ${people}`, { acme: 'member' });
    return { email, id, browser: await world.signIn(email) };
  };
  /** Until so many statements wait for a row that the test has locked. */
  const waiting = (count: number) => statementsWait(lock, count);

  it('a passkey that two accounts add at one moment is one account’s, and the other is told so', async () => {
    for (let round = 0; round < 4; round += 1) {
      const authenticator = new SoftAuthenticator(world.url);
      const [one, other] = [await person(), await person()];
      const forms = await Promise.all(
        [one, other].map(async ({ browser }) => {
          const options = await optionsAt<PublicKeyCredentialCreationOptionsJSON>(
            browser,
            SECURITY,
            PASSKEYS,
          );
          const credential = JSON.stringify(authenticator.create(options));
          return { browser, fields: { ...(await formOf(browser, SECURITY)), name: 'Key', credential } };
        }),
      );
      // both find that nobody has it, and then wait
      await lock.query('BEGIN');
      await lock.query('SELECT FROM users WHERE id = ANY ($1) FOR UPDATE', [[one.id, other.id]]);
      const added = forms.map(({ browser, fields }, index) =>
        browser.at(deployment.node(index).url).post(PASSKEYS, fields),
      );
      await waiting(2);
      await lock.query('COMMIT');
      const answers = await Promise.all(added);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      const refused = answers.find(({ status }) => status === 409);
      expect(await refused?.text()).toContain('it is in use already');
      const rows = await deployment.rows<{ second_factors: number }>(
        'SELECT second_factors FROM users WHERE id = ANY ($1) ORDER BY second_factors',
        [[one.id, other.id]],
      );
      expect(rows.map((row) => row.second_factors)).toEqual([0, 1]);
    }
  });

  it('the code of an app that another takes the place of opens nothing, however early it came', async () => {
    const { email, id, browser } = await person();
    const { app } = await setUpApp(world, browser);
    world.clock.advance(60_000 + app.untilSecond(27));
    const pending = await withPassword(world, email);
    const secondStep = await formOf(pending, '/sign-in/second-factor');
    const html = await (await browser.get(`${SECURITY}/totp`)).text();
    const replacement = new App(world, secretOn(html));
    await lock.query('BEGIN');
    await lock.query('SELECT FROM totp_factors WHERE user_id = $1 FOR UPDATE', [id]);
    const replaced = browser.post(`${SECURITY}/totp`, { ...hiddenFields(html), code: replacement.code() });
    await waiting(1);
    // its own clock is some seconds ahead, so that no newer code has been used
    const tried = pending.post('/sign-in/second-factor', {
      ...secondStep,
      method: 'totp',
      code: app.code(1),
    });
    await waiting(2);
    await lock.query('COMMIT');
    expect((await replaced).status).toBe(200);
    expect((await tried).status).toBe(401);
    expect((await pending.get('/account')).status).toBe(303);
    expect((await present(pending, { method: 'totp', code: replacement.code(1) })).status).toBe(303);
  });

  it.each([
    ['app', (browser: HttpBrowser) => setUpApp(world, browser), `${SECURITY}/totp/remove`],
    ['passkey', addKey, undefined],
  ] as const)(
    'recovery codes that are made while the last factor, a %s, is removed go with it',
    async (_, add, path) => {
      const { id, browser } = await person();
      await add(browser);
      const removal = path ?? `${PASSKEYS}/${await passkeyOf(id)}/remove`;
      const form = await formOf(browser, SECURITY);
      await lock.query('BEGIN');
      await lock.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
      const made = browser.clone().post(`${SECURITY}/recovery-codes`, form);
      await waiting(1);
      const removed = browser.clone().post(removal, form);
      await waiting(2);
      await lock.query('COMMIT');
      expect([(await made).status, (await removed).status]).toEqual([200, 303]);
      const left = await deployment.rows(
        `SELECT second_factors, (SELECT count(*)::int FROM recovery_codes WHERE user_id = u.id) AS codes
           FROM users u WHERE id = $1`,
        [id],
      );
      expect(left).toEqual([{ second_factors: 0, codes: 0 }]);
    },
  );

  it('two first factors that are added at one moment bring one set of recovery codes, which is shown and good', async () => {
    for (let round = 0; round < 20; round += 1) {
      const { email, id, browser: one } = await person();
      const other = await world.signIn(email);
      const html = await (await one.get(`${SECURITY}/totp`)).text();
      const app = new App(world, secretOn(html));
      const authenticator = new SoftAuthenticator(world.url);
      const options = await optionsAt<PublicKeyCredentialCreationOptionsJSON>(other, SECURITY, PASSKEYS);
      const key = {
        ...(await formOf(other, SECURITY)),
        name: 'Key',
        credential: JSON.stringify(authenticator.create(options)),
      };
      await lock.query('BEGIN');
      await lock.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [id]);
      const adding = [
        one.post(`${SECURITY}/totp`, { ...hiddenFields(html), code: app.code() }),
        other.at(deployment.node(1).url).post(PASSKEYS, key),
      ];
      await waiting(2);
      await lock.query('COMMIT');
      const answers = await Promise.all(adding);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      const shown = (await Promise.all(answers.map((answer) => answer.text()))).map(recoveryCodesOn);
      expect({ round, shown: shown.map(({ length }) => length).sort() }).toEqual({ round, shown: [0, 10] });
      const kept = await deployment.rows(
        `SELECT second_factors, (SELECT count(*)::int FROM recovery_codes WHERE user_id = u.id) AS codes
           FROM users u WHERE id = $1`,
        [id],
      );
      expect(kept).toEqual([{ second_factors: 2, codes: 10 }]);
      if (round % 5 > 0) continue;
      const [code = ''] = shown.flat();
      const pending = await withPassword(world, email);
      expect((await present(pending, { method: 'recovery-code', code })).status).toBe(303);
    }
  });

  async function addKey(browser: HttpBrowser): Promise<void> {
    const authenticator = new SoftAuthenticator(world.url);
    const options = await optionsAt<PublicKeyCredentialCreationOptionsJSON>(browser, SECURITY, PASSKEYS);
    const credential = JSON.stringify(authenticator.create(options));
    await browser.post(PASSKEYS, { ...(await formOf(browser, SECURITY)), name: 'Key', credential });
  }

  async function passkeyOf(userId: string): Promise<string> {
    const [row] = await deployment.rows<{ id: string }>('SELECT id FROM passkeys WHERE user_id = $1', [
      userId,
    ]);
    return row?.id ?? '';
  }
});
