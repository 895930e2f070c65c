import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { administrationRoutes, LICENSING_ROLES, MODULE_CONTROLLERS, type LicensingRole } from '#licensing';
import { servedRoutes } from '#platform';
import { ApiReference } from '../../support/api-reference.js';
import { REPOSITORY } from '../../support/built-process.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(120_000);

const PEOPLE: Readonly<Record<LicensingRole, string>> = {
  operator: 'operator@seller.example',
  owner: 'owner@acme.example',
  administrator: 'admin@acme.example',
  billing: 'billing@acme.example',
  member: 'member@acme.example',
};

function reference(name: string): string {
  return readFileSync(join(REPOSITORY, 'docs/reference', name), 'utf8');
}

/** By route, as docs/reference says, the roles that may call it. */
function matrix(): Map<string, string[]> {
  const rows = reference('licensing-authority.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  return new Map(
    rows.map(([route = '', , , ...cells]) => [
      route.replaceAll('`', ''),
      LICENSING_ROLES.filter((_, index) => cells[index] === 'yes'),
    ]),
  );
}

describe('the matrix of route and role', () => {
  const documented = matrix();
  const routes = administrationRoutes();
  let admin: AdministrationWorld;
  let license: string;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
    license = await admin.issued();
  });
  afterAll(() => admin.stop());

  it('has every route of the administration once', () => {
    expect([...documented.keys()]).toEqual(routes.map(({ method, path }) => `${method} ${path}`));
    expect(documented.size).toBeGreaterThan(25);
  });

  it.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s lets in whom the matrix names, and nobody else',
    async (name, { method, path, body }) => {
      // nothing that is named here is there, beside the license: nobody who is let in changes anything
      const address = path
        .replace(/^\/v1\/licenses\/\{id\}/, `/v1/licenses/${license}`)
        .replaceAll(/\{\w+\}/g, () => randomUUID());
      const admitted: string[] = [];
      for (const role of LICENSING_ROLES) {
        const token = await admin.tokenOf(PEOPLE[role]);
        const answer = await admin.call(method, address, { token, ...(body ? { body: {} } : {}) });
        expect(answer.status).toBeLessThan(500);
        if (answer.status !== 403) admitted.push(role);
        else expect(answer.body['code']).toBe('access_denied');
      }
      expect(admitted).toEqual(documented.get(name));
      expect((await admin.call(method, address)).status).toBe(401);
    },
  );

  it('the OpenAPI document is a valid one, has every route, and refers to nothing that it lacks', () => {
    const ofModules = servedRoutes(MODULE_CONTROLLERS).map(
      ({ address }) => `${address.method} ${address.path}`,
    );
    new ApiReference('licensing-api.json').expectToTellOf([...documented.keys(), ...ofModules]);
  });
});
