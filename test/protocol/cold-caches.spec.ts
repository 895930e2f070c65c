import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { LicenseSnapshots } from '#licensing';
import { World } from '../support/world.js';

const ORGANIZATIONS = 6;

let world: World;
beforeAll(async () => {
  world = await World.start({ env: { CORE_AUTH_DATABASE_POOL_SIZE: '2' } });
});
afterAll(() => world.stop());

it('refreshes of many organizations at once finish on two connections, although no license is remembered', async () => {
  const client = world.client('projects');
  const refreshTokens: string[] = [];
  for (let index = 0; index < ORGANIZATIONS; index += 1) {
    await world.createOrganization(`org-${index}`, `Organization ${index}`);
    await world.license(`org-${index}`, 'projects');
    await world.createPerson(`person-${index}@org.example`, 'Person', { [`org-${index}`]: 'member' });
    const { tokens } = await world.signedInClient(`person-${index}@org.example`);
    refreshTokens.push(tokens.refresh_token);
  }
  world.app.get(LicenseSnapshots).invalidateAll();

  const answers = await Promise.all(refreshTokens.map((token) => world.refresh(client, token)));
  expect(answers.map(({ status }) => status)).toEqual(refreshTokens.map(() => 200));
});
