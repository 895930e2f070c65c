import type { AccountRepository, PasswordHasher } from '#accounts';
import type { ClientRepository, NewClient } from '#oauth';
import { type Clock, randomSecret, randomUUID, sha256 } from '#platform';
import type { ProbeIdentityRepository } from './probe-identity.repository.js';

/** Nobody owns names below .invalid (RFC 2606 §2): what is sent there goes nowhere. */
export const PROBE_REDIRECT_URI = 'https://readiness-probe.invalid/callback';
export const PROBE_SCOPES = ['openid', 'profile', 'email', 'offline_access'];
/** A display name shaped like an attack: a page that does not escape it shows it as markup. */
export const PROBE_NAME = `Probe <script>alert(1)</script> "&'`;
const ACTOR = 'readiness-probe';
/** Milliseconds after which the identity is replaced. */
const LIFETIME = 12 * 3_600_000;

export interface Identity {
  readonly name: string;
  readonly userId: string;
  readonly organizationId: string;
  readonly email: string;
  readonly password: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly publicClientId: string;
  /** A second account, of which only failures to sign in are asked. */
  readonly lockedEmail: string;
}

export interface IdentityRepositories {
  readonly accounts: AccountRepository;
  readonly clients: ClientRepository;
  readonly rows: ProbeIdentityRepository;
}

/**
 * The probe's own organization, people, clients and licenses, made when first needed, one set per process, deleted at
 * its end. No module is theirs, so that nobody meets them in a launcher.
 */
export class ProbeIdentity {
  private made: Promise<Identity> | undefined;
  private madeAt = 0;
  private closed = false;

  constructor(
    private readonly repositories: IdentityRepositories,
    private readonly passwords: PasswordHasher,
    private readonly clock: Clock,
  ) {}

  get rows(): ProbeIdentityRepository {
    return this.repositories.rows;
  }

  async get(): Promise<Identity> {
    if (this.closed) throw new Error('the process is stopping');
    if (this.made && performance.now() - this.madeAt > LIFETIME) await this.dispose();
    if (!this.made) {
      this.madeAt = performance.now();
      this.made = this.make();
      this.made.catch(() => (this.made = undefined));
    }
    return this.made;
  }

  /** Removes what was made and makes nothing more. */
  async close(): Promise<void> {
    this.closed = true;
    await this.dispose();
  }

  private async dispose(): Promise<void> {
    const made = await this.made?.catch(() => undefined);
    this.made = undefined;
    if (made) await this.rows.remove(made.name);
  }

  private async make(): Promise<Identity> {
    const { accounts } = this.repositories;
    await this.rows.removeAbandoned(this.clock.now());
    const name = `readiness-probe-${randomUUID()}`;
    const password = randomSecret();
    const organization = await accounts.createOrganization({ key: name, name: 'Readiness probe' }, ACTOR);
    const passwordHash = await this.passwords.hash(password);
    const email = `${name}@readiness-probe.invalid`;
    const user = await accounts.createUser({ email, name: PROBE_NAME, passwordHash }, ACTOR);
    await accounts.addMember({ userId: user.id, organizationId: organization.id, role: 'member' }, ACTOR);
    const lockedEmail = `${name}-locked@readiness-probe.invalid`;
    await accounts.createUser({ email: lockedEmail, name: PROBE_NAME, passwordHash }, ACTOR);
    await this.rows.licenseEveryModule(name, organization.id, this.clock.now());
    const clientSecret = await this.makeClients(name, organization.id);
    return {
      name,
      userId: user.id,
      organizationId: organization.id,
      email,
      password,
      clientId: name,
      clientSecret,
      publicClientId: `${name}-public`,
      lockedEmail,
    };
  }

  /** @returns the secret of the confidential one */
  private async makeClients(name: string, organizationId: string): Promise<string> {
    const secret = randomSecret();
    const common = {
      redirectUris: [PROBE_REDIRECT_URI],
      scopes: PROBE_SCOPES,
      organizationId,
      firstParty: true,
    };
    const confidential: NewClient = {
      ...common,
      id: name,
      name: 'Readiness probe',
      secretSha256: sha256(secret),
      grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'],
    };
    const open: NewClient = {
      ...common,
      id: `${name}-public`,
      name: 'Readiness probe (public)',
      secretSha256: null,
      grantTypes: ['authorization_code', 'refresh_token'],
    };
    await this.repositories.clients.save(confidential, ACTOR);
    await this.repositories.clients.save(open, ACTOR);
    return secret;
  }
}
