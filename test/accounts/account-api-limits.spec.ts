import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AccountApiWorld } from './account-api-world.js';

describe('how often the API of one’s own account is called from an address', () => {
  let api: AccountApiWorld;
  beforeAll(async () => {
    api = await AccountApiWorld.start({
      env: {
        CORE_AUTH_RATE_LIMIT_SIGN_IN: '5',
        CORE_AUTH_RATE_LIMIT_MAIL: '2',
        CORE_AUTH_RATE_LIMIT_EXPORT: '2',
      },
    });
  });
  afterAll(() => api.stop());

  const statuses = async (count: number, method: string, path: string) => {
    const answers: number[] = [];
    for (let index = 0; index < count; index += 1) answers.push((await api.call(method, path)).status);
    return answers;
  };
  const post = async (path: string) => (await api.world.browser().post(path, { email: 'x' })).status;

  it('changes of factors count together, as those of the page do, and looking at them does not', async () => {
    expect(await statuses(6, 'POST', '/factors/recovery-codes')).toEqual([401, 401, 401, 401, 401, 429]);
    for (const [method, path] of [
      ['POST', '/factors/authenticator-app/offers'],
      ['PUT', '/factors/authenticator-app'],
      ['DELETE', '/factors/authenticator-app'],
      ['POST', '/factors/passkeys'],
      ['POST', '/factors/passkeys/options'],
      ['PATCH', '/factors/passkeys/x'],
      ['DELETE', '/factors/passkeys/x'],
    ] as const) {
      expect([path, (await api.call(method, path)).status]).toEqual([path, 429]);
    }
    expect(await post('/account/security/recovery-codes')).toBe(429);
    expect(await statuses(1, 'GET', '/factors')).toEqual([401]);
  });

  it('mails to new addresses and about deletions count as other mails do, and guesses of passwords as sign-ins', async () => {
    expect(await statuses(3, 'POST', '/address')).toEqual([401, 401, 429]);
    expect(await post('/forgot-password')).toBe(429);
    for (const page of ['/account/data/deletion', '/organization/deletion']) {
      expect([page, await post(page), await post(`${page}/undo`)]).toEqual([page, 429, 429]);
    }
    for (const path of ['/deletion', '/../organizations/x/deletion']) {
      expect(await statuses(1, 'POST', path)).toEqual([429]);
      expect(await statuses(1, 'DELETE', path)).toEqual([429]);
    }
    expect(await statuses(3, 'PUT', '/password')).toEqual([401, 401, 429]);
    expect(await post('/sign-in')).toBe(429);
  });

  it('exports count together, of people and of organizations, by the page and by the API', async () => {
    expect(await statuses(3, 'GET', '/export')).toEqual([401, 401, 429]);
    expect(await statuses(1, 'GET', '/../organizations/x/export')).toEqual([429]);
    for (const page of ['/account/data/export', '/organization/export']) {
      expect([page, (await api.world.browser().get(page)).status]).toEqual([page, 429]);
    }
  });
});
