import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PasswordHasher } from '#accounts';
import { Database, sql } from '#platform';
import { hiddenFields } from '../support/http-browser.js';
import { World } from '../support/world.js';
import { FROM_ANYWHERE, tryFrom } from './lockout-world.js';

jest.setTimeout(120_000);

/** One hash at a time and so many that wait, however many cores there are. */
const LIMITS = { concurrency: 1, capacity: 30 };
const FLOOD = 300;

describe('more sign-ins at once than passwords can be hashed', () => {
  let world: World;
  beforeAll(async () => {
    // no delay answers in the queue's place
    world = await World.start({ env: { ...FROM_ANYWHERE, CORE_AUTH_SIGN_IN_FAILURES: '100' } });
    Object.assign(world.app.get(PasswordHasher), PasswordHasher.limitedTo(LIMITS));
  });
  afterAll(() => world.stop());

  it('the queue refuses what it cannot take with 503 and Retry-After, counts none of it, and keeps nobody else waiting', async () => {
    const browser = world.browser();
    const fields = hiddenFields(await (await browser.get('/sign-in')).text());
    let answered = 0;
    const flood = Array.from({ length: FLOOD }, async (_, index) => {
      const email = `flood-${index}@acme.example`;
      const headers = { 'x-forwarded-for': `10.0.${index >> 8}.${index & 255}` };
      const response = await browser.post('/sign-in', { ...fields, email, password: 'wrong' }, headers);
      answered += 1;
      return response;
    });
    // others are served while the flood is not over: one after the other, each before the flood has ended
    let served = 0;
    while (answered < flood.length && served < 100) {
      for (const path of ['/health/live', '/sign-in', '/.well-known/openid-configuration', '/oauth2/jwks'])
        expect((await world.browser().get(path)).status).toBe(200);
      served += 4;
    }
    expect(served).toBeGreaterThanOrEqual(20);

    const answers = await Promise.all(flood);
    const refused = answers.filter(({ status }) => status === 503);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]));
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThan(LIMITS.capacity);
    for (const response of refused) {
      expect(response.headers.get('retry-after')).toBe('2');
      expect(await response.text()).toContain('Too many people are signing in at this moment.');
    }
    const [{ counted } = { counted: -1 }] = await world.app.get(Database).query<{ counted: number }>(sql`
      SELECT sum(failures)::int AS counted FROM sign_in_failures WHERE starts_with(subject, 'account:')`);
    expect(counted).toBe(answers.length - refused.length);
    expect((await tryFrom(world, 'afterwards@acme.example')).status).toBe(401);
  });
});
