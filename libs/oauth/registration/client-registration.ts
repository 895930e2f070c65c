import { Injectable } from '@nestjs/common';
import {
  Clock,
  Configuration,
  equalInConstantTime,
  numericDate,
  OutboundHttp,
  PublicError,
  randomSecret,
  sha256,
} from '#platform';
import { clientProblem } from '../clients/client-policy.js';
import { isPublic, type Client, type GrantType } from '../clients/client.js';
import { ClientRepository, complete } from '../clients/client.repository.js';
import { InvalidClientMetadata, InvalidRequest, InvalidToken, TokenRequired } from '../oauth.errors.js';
import {
  readClientMetadata,
  registeredMetadata,
  type ClientMetadata,
  type MetadataRules,
} from './client-metadata.js';
import { jsonObject, member } from './json-members.js';
import { RegisteredClientRepository, type Registration } from './registered-client.repository.js';

/** What anybody may use; the rest is for those whom somebody has let in. */
const OPEN_GRANTS: readonly GrantType[] = ['authorization_code', 'refresh_token'];
const GRANTS: readonly GrantType[] = [
  ...OPEN_GRANTS,
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
];
/** RFC 7592 §2.2: what the server alone says, and no update may hold. */
const SERVER_MEMBERS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
];

/** What this server calls those who register: 16 random bytes in base64url. */
const REGISTERED_ID = /^[\w-]{22}$/;

export type RegistrationAnswer = Readonly<Record<string, unknown>>;

/** Dynamic client registration (RFC 7591) and its management (RFC 7592) */
@Injectable()
export class ClientRegistration {
  constructor(
    private readonly clients: ClientRepository,
    private readonly registrations: RegisteredClientRepository,
    private readonly outbound: OutboundHttp,
    private readonly configuration: Configuration,
    private readonly clock: Clock,
  ) {}

  /** @throws PublicError of RFC 7591 §3.2.2, or RFC 6750 §3.1 for the initial access token */
  async register(body: unknown, authorization: string | undefined): Promise<RegistrationAnswer> {
    const { registration: mode } = this.configuration;
    if (mode === 'closed') throw closed();
    const initialAccessToken = mode === 'token' ? bearerToken(authorization) : undefined;
    const metadata = readClientMetadata(body, this.rules());
    const id = randomSecret(16);
    const secret = needsSecret(metadata.policy) ? randomSecret() : undefined;
    const token = randomSecret();
    const client = await this.checked(metadata, {
      id,
      secretSha256: secret === undefined ? null : sha256(secret),
      registrationTokenSha256: sha256(token),
    });
    const createdAt = this.clock.now();
    const hindrance = await this.registrations.save(client, { stated: metadata.stated, initialAccessToken });
    if (hindrance === 'token-refused')
      throw new InvalidToken('initial access token unknown, expired or used up');
    if (hindrance === 'full') {
      throw new PublicError(
        503,
        'temporarily_unavailable',
        'Too many clients have registered themselves; unused ones are removed after a while.',
        { headers: { 'retry-after': '3600' } },
      );
    }
    return this.answer(client, { stated: metadata.stated, createdAt }, token, secret);
  }

  /** RFC 7592 §2.1 */
  async read(id: string, authorization: string | undefined): Promise<RegistrationAnswer> {
    const { client, registration, token } = await this.managed(id, authorization);
    return this.answer(client, registration, token);
  }

  /** RFC 7592 §2.2: what is not sent is not registered any more. */
  async replace(id: string, body: unknown, authorization: string | undefined): Promise<RegistrationAnswer> {
    const { client: before, registration, token } = await this.managed(id, authorization);
    if (this.configuration.registration === 'closed') throw closed();
    requireOwnIdentity(body, before);
    const metadata = readClientMetadata(body, this.rules());
    // a secret stays while it is used; with the method that needs none it is gone
    const secret = needsSecret(metadata.policy) && before.secretSha256 === null ? randomSecret() : undefined;
    const kept = needsSecret(metadata.policy) ? before.secretSha256 : null;
    const client = await this.checked(metadata, {
      ...before,
      secretSha256: secret === undefined ? kept : sha256(secret),
    });
    if (!(await this.registrations.replace(client, before.secretSha256, metadata.stated))) {
      // removed meanwhile, or another update came between: this secret would be one that never worked
      await this.managed(id, authorization);
      throw new PublicError(409, 'invalid_request', 'The client was changed at the same moment. Try again.');
    }
    return this.answer(client, { ...registration, stated: metadata.stated }, token, secret);
  }

  /** RFC 7592 §2.3 */
  async remove(id: string, authorization: string | undefined): Promise<void> {
    const { token } = await this.managed(id, authorization);
    if (!(await this.registrations.remove(id, sha256(token)))) throw notManaged();
  }

  private rules(): MetadataRules {
    return {
      methods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
      // RFC 7591 §2
      defaultMethod: 'client_secret_basic',
      grantTypes: this.configuration.registration === 'open' ? OPEN_GRANTS : GRANTS,
      scopes: this.configuration.registrationScopes.split(' '),
    };
  }

  /** RFC 7592 §2.1: an unknown client and a wrong token are answered alike. */
  private async managed(id: string, authorization: string | undefined) {
    const token = bearerToken(authorization);
    // no other is asked for: an address may hold any character, the database not
    if (!REGISTERED_ID.test(id)) throw notManaged();
    const [client, registration] = await Promise.all([this.clients.find(id), this.registrations.find(id)]);
    const expected = registration?.tokenSha256 ?? sha256('');
    if (!equalInConstantTime(sha256(token), expected) || !registration || !client) throw notManaged();
    return { client, registration, token };
  }

  /** @param rest what the metadata does not say: an administrator may have changed the policy of a registered client */
  private async checked(
    { name, policy }: ClientMetadata,
    rest: Partial<Client> & Pick<Client, 'id'>,
  ): Promise<Client> {
    const client = complete({ ...rest, source: 'registration', ...policy, name: name ?? rest.id });
    const problem = clientProblem(client);
    if (problem) throw new PublicError(400, problem.code, problem.message);
    for (const name of ['backchannelLogoutUri', 'jwksUri'] as const) {
      const url = client[name];
      const hindrance = url === null ? undefined : await this.outbound.problem(url);
      if (hindrance !== undefined) {
        throw new InvalidClientMetadata(
          `${name === 'jwksUri' ? 'jwks_uri' : 'backchannel_logout_uri'} ${hindrance}.`,
        );
      }
    }
    return client;
  }

  /** RFC 7591 §3.2.1, RFC 7592 §3: all that is registered; a secret only when it has just been made. */
  private answer(
    client: Client,
    { stated, createdAt }: Pick<Registration, 'stated' | 'createdAt'>,
    token: string,
    secret?: string,
  ): RegistrationAnswer {
    return {
      client_id: client.id,
      client_id_issued_at: numericDate(createdAt),
      ...(secret === undefined ? {} : { client_secret: secret }),
      ...(client.secretSha256 === null ? {} : { client_secret_expires_at: 0 }),
      registration_access_token: token,
      registration_client_uri: `${this.configuration.issuer}/oauth2/register/${client.id}`,
      ...registeredMetadata(client, stated),
    };
  }
}

function needsSecret({ tokenEndpointAuthMethod: method }: Pick<Client, 'tokenEndpointAuthMethod'>): boolean {
  return !isPublic({ tokenEndpointAuthMethod: method }) && method !== 'private_key_jwt';
}

/** RFC 7592 §2.2: the client names itself, and can overwrite neither its secret nor what the server alone says. */
function requireOwnIdentity(body: unknown, client: Client): void {
  const json = jsonObject(body);
  if (member(json, 'client_id') !== client.id)
    throw new InvalidRequest('client_id must be the one of this address.');
  const forbidden = SERVER_MEMBERS.find((name) => member(json, name) !== undefined);
  if (forbidden !== undefined) throw new InvalidRequest(`${forbidden} cannot be sent in an update.`);
  const secret = member(json, 'client_secret');
  if (secret === undefined) return;
  const matches =
    typeof secret === 'string' &&
    client.secretSha256 !== null &&
    equalInConstantTime(sha256(secret), client.secretSha256);
  if (!matches) throw new InvalidRequest('client_secret must be the current one when it is sent.');
}

/** RFC 6750 §2.1 */
function bearerToken(authorization: string | undefined): string {
  const token = /^Bearer +([A-Za-z0-9._~+/=-]{1,1024})$/i.exec(authorization ?? '')?.[1];
  if (token === undefined) throw new TokenRequired();
  return token;
}

function closed(): PublicError {
  return new PublicError(403, 'access_denied', 'Clients cannot register themselves here.');
}

function notManaged(): InvalidToken {
  return new InvalidToken('not the registration access token of this client');
}
