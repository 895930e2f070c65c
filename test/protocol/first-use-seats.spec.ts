import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { LicenseSnapshots, SeatRepository } from '#licensing';
import { Database, sql } from '#platform';
import { claimsOf, World, type Answer } from '../support/world.js';

const PEOPLE = 24;
const SEATS = 20;

describe('seats at first use on two connections, of which a transaction may hold one', () => {
  let world: World;
  let licenseId: string;
  const people: { readonly email: string; refreshToken: string }[] = [];
  beforeAll(async () => {
    world = await World.start({ env: { CORE_AUTH_DATABASE_POOL_SIZE: '2' } });
    await world.createOrganization('initech', 'Initech');
    licenseId = await world.license('initech', 'projects', {
      seatModel: 'named',
      seatLimit: PEOPLE,
      seatOnFirstUse: true,
    });
    for (let index = 0; index < PEOPLE; index += 1) {
      const email = `person-${index}@initech.example`;
      await world.createPerson(email, 'Person', { initech: 'member' });
      const { tokens } = await world.signedInClient(email);
      people.push({ email, refreshToken: tokens.refresh_token });
    }
  });
  afterAll(() => world.stop());

  const refreshAll = () =>
    Promise.all(
      people.map(async (person) => {
        const answer = await world.refresh(world.client('projects'), person.refreshToken);
        if (answer.status === 200) person.refreshToken = String(answer.body['refresh_token']);
        return answer;
      }),
    );
  const releaseAll = () =>
    Promise.all(
      people.map(({ email }) =>
        world.app.get(SeatRepository).releaseSeat(licenseId, world.id(email), 'test'),
      ),
    );
  const versionNow = async () => {
    const [row] = await world.app.get(Database).query<{ version: string }>(sql`
      SELECT license_version AS version FROM organizations WHERE id = ${world.id('initech')}`);
    return Number(row?.version);
  };
  const told = ({ status, body }: Answer) => (status === 200 ? 'ok' : String(body['error_description']));

  it('refreshes of many people without a seat at once all finish, and each is seated', async () => {
    await releaseAll();
    world.app.get(LicenseSnapshots).invalidateAll();
    const before = await versionNow();
    const answers = await refreshAll();
    expect(answers.map(told)).toEqual(people.map(() => 'ok'));
    // each token was decided on a state that knew of the person's seat
    const versions = answers.map(({ body }) =>
      Number(claimsOf(String(body['access_token']))['license_version']),
    );
    for (const version of versions) expect(version).toBeGreaterThan(before);
    expect(await versionNow()).toBe(before + PEOPLE);
  });

  it('with fewer seats than people as many get in as there are seats, and the others are told at once', async () => {
    await world.app.get(Database).query(sql`
      UPDATE license_terms SET seat_limit = ${SEATS} WHERE license_id = ${licenseId}`);
    await releaseAll();
    const answers = await refreshAll();
    const refused = answers.filter(({ status }) => status !== 200);
    expect(refused).toHaveLength(PEOPLE - SEATS);
    for (const answer of refused) {
      expect([answer.status, answer.body['error']]).toEqual([400, 'access_denied']);
      expect(told(answer)).toContain('SEATS_EXHAUSTED');
    }
    // nobody who was refused has lost their refresh token: the seat alone was missing
    await world.app.get(Database).query(sql`
      UPDATE license_terms SET seat_limit = ${PEOPLE} WHERE license_id = ${licenseId}`);
    await releaseAll();
    expect((await refreshAll()).map(told)).toEqual(people.map(() => 'ok'));
  });
});
