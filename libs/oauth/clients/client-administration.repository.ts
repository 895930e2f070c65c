import { isDeepStrictEqual } from 'node:util';
import { Clock, Database, PublicError, randomSecret, sha256, sql } from '#platform';
import { jsonObject } from '../registration/json-members.js';
import { readClientPolicy } from './client-policy-document.js';
import { isPublic, type Client } from './client.js';
import { complete, type ClientRepository, type NewClient } from './client.repository.js';

/** RFC 6749 appendix A.1 allows more; what is shaped like a person's id could be taken for one (RFC 9068 §5). */
const ID = /^(?![0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$)[A-Za-z0-9._~-]{1,128}$/;

/** What a client is beside its policy. */
export interface ClientState {
  readonly id: string;
  readonly name: string;
  readonly method: Client['tokenEndpointAuthMethod'];
  readonly source: Client['source'];
  /** Key of the organization that it acts for. */
  readonly organization: string | null;
  readonly module: string | null;
  readonly createdAt: Date;
  readonly disabledAt: Date | null;
}

/** A client whose policy was written, and the secret that it has been given by that. */
export interface WrittenClient {
  readonly client: Client;
  readonly secret: string | undefined;
  /** Names of what is another now. */
  readonly changed: readonly string[];
}

/** Clients as an operator makes and changes them. */
export class ClientAdministration {
  constructor(
    private readonly database: Database,
    private readonly clients: ClientRepository,
    private readonly clock: Clock,
  ) {}

  /** By identifier. @param after the last one of the page before */
  async list({ after = '', limit }: { after?: string; limit: number }): Promise<ClientState[]> {
    return this.database.query<ClientState>(sql`
      SELECT c.id, c.name, c.token_endpoint_auth_method AS method, c.source, o.key AS organization,
             c.module_key AS module, c.created_at AS "createdAt", c.disabled_at AS "disabledAt"
        FROM clients c LEFT JOIN organizations o ON o.id = c.organization_id
       WHERE c.id COLLATE "C" > ${after} ORDER BY c.id COLLATE "C" LIMIT ${limit}`);
  }

  async find(id: string): Promise<{ client: Client; state: ClientState } | undefined> {
    const [state] = await this.database.query<ClientState>(sql`
      SELECT c.id, c.name, c.token_endpoint_auth_method AS method, c.source, o.key AS organization,
             c.module_key AS module, c.created_at AS "createdAt", c.disabled_at AS "disabledAt"
        FROM clients c LEFT JOIN organizations o ON o.id = c.organization_id
       WHERE c.id = ${id}`);
    const client = await this.clients.find(id, { alsoDisabled: true });
    return state && client && { client, state };
  }

  /**
   * What a policy document says; its organization is named by the key.
   * @throws PublicError when it is not one, or its organization not there
   */
  async read(document: unknown): Promise<Partial<Client>> {
    const { organization, ...members } = jsonObject(document);
    const policy = readClientPolicy(members);
    if (organization === undefined) return policy;
    if (organization === null) return { ...policy, organizationId: null };
    if (typeof organization !== 'string') throw refused('organization must be the key of one.');
    return { ...policy, organizationId: await this.organizationId(organization) };
  }

  /** @throws PublicError 404 when there is none with this key */
  private async organizationId(key: string): Promise<string> {
    const [row] = await this.database.query<{ id: string }>(sql`
      SELECT id FROM organizations WHERE key = ${key}`);
    if (!row) throw new PublicError(404, 'not_found', `There is no organization with the key ${key}.`);
    return row.id;
  }

  /** @throws PublicError 400 when it cannot be registered like this, 409 when the identifier is taken */
  async create(given: NewClient, actor: string): Promise<WrittenClient> {
    const { id } = given;
    if (!ID.test(id)) {
      throw new PublicError(
        400,
        'invalid_client_metadata',
        'An identifier has up to 128 letters, digits, dots, hyphens, underscores and tildes, and not the form of a UUID.',
      );
    }
    const { client, secret } = withCredential(complete(given));
    await this.check(client);
    if (!(await this.clients.write(client, { act: 'client.create', actor, asNew: true }))) {
      throw new PublicError(409, 'client_taken', `There is a client ${id} already.`);
    }
    return { client, secret, changed: [] };
  }

  /**
   * Changes the policy of a client, enabled or not; one at a time.
   * @throws PublicError 404 when there is none, 400 when it cannot be like this
   */
  async change(id: string, change: Partial<Client>, actor: string): Promise<WrittenClient> {
    return this.database.transaction(async (transaction) => {
      await transaction.query(sql`SELECT FROM clients WHERE id = ${id} FOR NO KEY UPDATE`);
      const before = await this.clients.find(id, { alsoDisabled: true }, transaction);
      if (!before) throw unknownClient(id);
      if (before.source === 'metadata_document') {
        throw new PublicError(
          400,
          'invalid_request',
          'This client is what its metadata document says; it can be disabled and enabled alone.',
        );
      }
      const { client, secret } = withCredential({ ...before, ...change });
      const changed = Object.keys(change).filter(
        (name) => !isDeepStrictEqual(before[name as keyof Client], client[name as keyof Client]),
      );
      if (changed.length > 0) {
        await this.check(client);
        await this.clients.write(client, { act: 'client.change', actor, detail: { changed } }, transaction);
      }
      return { client, secret, changed };
    });
  }

  /** Gives a client another secret; from then on the one before is refused. @throws PublicError 404 */
  async rotateSecret(id: string, actor: string): Promise<string> {
    const secret = randomSecret();
    const rotated = await this.database.query(sql`
      WITH rotated AS (
        UPDATE clients SET secret_sha256 = ${sha256(secret)}
         WHERE id = ${id} AND secret_sha256 IS NOT NULL RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM rotated
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.rotate-secret', ${actor}::text, id FROM rotated
      RETURNING target`);
    if (rotated.length > 0) return secret;
    throw new PublicError(404, 'not_found', `There is no client ${id} that authenticates by a secret.`);
  }

  /** @returns whether it was enabled until now */
  async disable(id: string, actor: string): Promise<boolean> {
    return this.clients.disable(id, this.clock.now(), actor);
  }

  /** @returns whether it was disabled until now; one that unregistered itself is not called back */
  async enable(id: string, actor: string): Promise<boolean> {
    const enabled = await this.database.query(sql`
      WITH enabled AS (
        UPDATE clients SET disabled_at = NULL
         WHERE id = ${id} AND disabled_at IS NOT NULL
           AND (source <> 'registration' OR registration_token_sha256 IS NOT NULL)
        RETURNING id
      ), told AS (
        INSERT INTO outbox (kind, subject) SELECT 'client-changed', id FROM enabled
      )
      INSERT INTO audit_events (act, actor, target) SELECT 'client.enable', ${actor}::text, id FROM enabled
      RETURNING target`);
    return enabled.length > 0;
  }

  private async check(client: Client): Promise<void> {
    await this.clients.check(client);
    // RFC 6749 §4.4: for confidential clients alone
    if (isPublic(client) && client.grantTypes.includes('client_credentials')) {
      throw refused('A public client cannot use the client credentials grant.');
    }
    if (client.firstParty && client.source !== 'administrator') {
      throw refused('A client that registered itself can change what it is, and so is never first-party.');
    }
    const { moduleKey, mayAct } = client;
    const [known] = await this.database.query<{ module: boolean; actor: boolean }>(sql`
      SELECT ${moduleKey}::text IS NULL OR EXISTS (SELECT FROM modules WHERE key = ${moduleKey}) AS module,
             ${mayAct}::text IS NULL OR EXISTS (SELECT FROM clients WHERE id = ${mayAct}) AS actor`);
    if (!known?.module) throw refused(`There is no module ${moduleKey}.`);
    if (!known.actor) throw refused(`There is no client ${mayAct} that may act.`);
  }
}

/** A client with a secret exactly when its method is by one; a secret that it has stays. */
function withCredential(client: Client): { client: Client; secret: string | undefined } {
  const { tokenEndpointAuthMethod: method, secretSha256 } = client;
  const bySecret = method === 'client_secret_basic' || method === 'client_secret_post';
  if (!bySecret) return { client: { ...client, secretSha256: null }, secret: undefined };
  if (secretSha256 !== null) return { client, secret: undefined };
  const secret = randomSecret();
  return { client: { ...client, secretSha256: sha256(secret) }, secret };
}

function refused(message: string): PublicError {
  return new PublicError(400, 'invalid_client_metadata', message);
}

function unknownClient(id: string): PublicError {
  return new PublicError(404, 'not_found', `There is no client ${id}.`);
}
