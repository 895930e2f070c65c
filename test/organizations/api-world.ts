import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MembershipRepository, RoleRepository } from '#accounts';
import { Database, sql } from '#platform';
import { REPOSITORY } from '../support/built-process.js';
import { answerOf, World, type Answer, type TestClient } from '../support/world.js';
import { by } from './organization-world.js';

const SCOPES = ['openid', 'organization:read', 'organization:write'];
/** Longer than a sign-in counts as recent. */
const TOKEN_SECONDS = 3600;

/** A server whose organizations people run by tokens of a client of theirs. */
export class ApiWorld {
  private readonly tokens = new Map<string, string>();

  private constructor(
    readonly world: World,
    readonly client: TestClient,
  ) {}

  static async start({ scopes = SCOPES }: { readonly scopes?: readonly string[] } = {}): Promise<ApiWorld> {
    const world = await World.start();
    await populate(world);
    const client = await world.createClient({
      id: 'assistant',
      scopes: [...scopes, 'account:read', 'account:write'],
      accessTokenSeconds: TOKEN_SECONDS,
    });
    return new ApiWorld(world, client);
  }

  stop(): Promise<void> {
    return this.world.stop();
  }

  /** An access token of this person, of their only organization; the same for everybody who asks. */
  async tokenOf(email: string, scope = SCOPES.join(' ')): Promise<string> {
    const key = `${email} ${scope}`;
    const token = this.tokens.get(key) ?? (await this.freshToken(email, scope));
    this.tokens.set(key, token);
    return token;
  }

  /** @param organizationId for which it is, of who has several */
  async freshToken(email: string, scope = SCOPES.join(' '), organizationId?: string): Promise<string> {
    const browser = await this.world.signIn(email);
    if (organizationId !== undefined) {
      const chosen = { organization_id: organizationId };
      await browser.submit('/choose-organization', '/choose-organization', chosen);
    }
    const code = await this.world.code(this.client, browser, { scope });
    return accessTokenIn(await this.world.exchange(this.client, code));
  }

  async machineToken(): Promise<string> {
    const scope = 'organization:read organization:write';
    return accessTokenIn(await this.world.token(this.client, { grant_type: 'client_credentials', scope }));
  }

  /** @param path below the organization, or all of it when it begins with `/v1` */
  async call(method: string, path: string, token?: string, body?: unknown): Promise<Answer> {
    const whole = path.startsWith('/v1') ? path : `/v1/organizations/${this.world.id('acme')}${path}`;
    return answerOf(
      await fetch(new URL(whole, this.world.url), {
        method,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  }

  /** Everything of acme that a route of an organization could change. */
  state() {
    return stateOf(this.world);
  }
}

export async function populate(world: World): Promise<void> {
  await world.createPerson('admin@acme.example', 'Anna Admin', { acme: 'administrator' });
  await world.createPerson('billing@acme.example', 'Ben Billing', { acme: 'billing' });
  await world.createPerson('archivist@acme.example', 'Arno Archivist', { acme: 'member' });
  const owner = by(world.id('owner@acme.example'));
  const draft = { name: 'Archivist', permissions: [] };
  const customRoleId = await world.app.get(RoleRepository).create(world.id('acme'), draft, owner);
  const whom = { organizationId: world.id('acme'), userId: world.id('archivist@acme.example') };
  await world.app.get(MembershipRepository).changeRole(whom, { role: 'member', customRoleId }, owner);
}

/** Without the version of the licenses: seats of who has left are given back a moment later, and raise it. */
export function stateOf(world: World): Promise<unknown[]> {
  return world.app.get(Database).query(sql`
    SELECT to_jsonb(o) - 'license_version' AS organization,
           (SELECT jsonb_agg(to_jsonb(m) ORDER BY user_id) FROM memberships m WHERE m.organization_id = o.id) AS members,
           (SELECT count(*)::int FROM organizations) AS organizations,
           (SELECT count(*)::int FROM invitations) AS invitations,
           (SELECT jsonb_agg(to_jsonb(r) ORDER BY id) FROM organization_roles r) AS roles,
           (SELECT count(*)::int FROM mails) AS mails
      FROM organizations o WHERE o.key = 'acme'`);
}

/** By route, as a section of docs/reference/organization-authority.md says, what stands in the column of each person. */
export function authorityMatrix(section: 'Pages' | 'API'): {
  readonly people: readonly string[];
  readonly cells: Map<string, Record<string, string>>;
} {
  const text = readFileSync(join(REPOSITORY, 'docs/reference/organization-authority.md'), 'utf8');
  const [, rest = ''] = text.split(`\n## ${section}\n`);
  const [part = ''] = rest.split('\n## ');
  const [head = [], , ...rows] = part
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const cells = rows.map(
    (row) =>
      [
        (row[0] ?? '').replaceAll('`', ''),
        Object.fromEntries(head.map((name, index) => [name, row[index] ?? ''])),
      ] as const,
  );
  const about = ['route', 'what it does', 'token'];
  return { people: head.filter((name) => !about.includes(name)), cells: new Map(cells) };
}

function accessTokenIn({ status, body }: Answer): string {
  if (status !== 200) throw new Error(`no token: ${JSON.stringify(body)}`);
  return String(body['access_token']);
}
