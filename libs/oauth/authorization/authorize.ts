import { Injectable } from '@nestjs/common';
import {
  addSeconds,
  Clock,
  Configuration,
  randomSecret,
  randomUUID,
  singleFields,
  type FormFields,
} from '#platform';
import type { Session } from '#sessions';
import { OpaqueTokens } from '#tokens';
import { MAX_LIFETIME } from '../clients/client.js';
import { ClientDirectory } from '../clients/client-directory.js';
import { IssuancePolicy, type Refusal } from '../issuance-policy.js';
import { concernedModules, ModuleDirectory } from '../module-directory.js';
import {
  answerUrl,
  AuthorizationError,
  readAuthorizationRequest,
  type AuthorizationRequest,
  type Prompt,
} from './authorization-request.js';
import { AuthorizationRepository } from './authorization.repository.js';

const SILENT_REFUSALS = {
  'sign-in': 'The person would have to sign in.',
  'choose-organization': 'The person would have to choose an organization.',
  consent: 'The person would have to consent.',
  'license-refused': 'The organization has no license that allows this.',
} as const;

/** What the person must do before the request can be answered. */
type Interaction = keyof typeof SILENT_REFUSALS;

/** The `prompt` that an interaction fulfills (OpenID Connect Core §3.1.2.1). */
const FULFILLED: Partial<Record<Interaction, Prompt>> = {
  'sign-in': 'login',
  'choose-organization': 'select_account',
  consent: 'consent',
};

/** `resume` continues the request after the interaction. */
export type AuthorizationOutcome =
  { readonly kind: 'answer'; readonly to: string } | { readonly kind: Interaction; readonly resume: string };

export const AUTHORIZATION_PATH = '/oauth2/authorize';

/** The authorization endpoint's decision (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2). */
@Injectable()
export class Authorize {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly modules: ModuleDirectory,
    private readonly authorizations: AuthorizationRepository,
    private readonly issuance: IssuancePolicy,
    private readonly tokens: OpaqueTokens,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /** @throws UntrustedAuthorizationRequest, AuthorizationError */
  async read(fields: FormFields): Promise<AuthorizationRequest> {
    const id = fields['client_id'];
    return readAuthorizationRequest(fields, typeof id === 'string' ? await this.clients.find(id) : undefined);
  }

  /**
   * @param secret of the session cookie, when the browser sent one
   * @throws UntrustedAuthorizationRequest when nothing may be redirected anywhere
   */
  async respond(fields: FormFields, secret: string | undefined): Promise<AuthorizationOutcome> {
    try {
      return await this.decide(await this.read(fields), fields, secret);
    } catch (error) {
      if (error instanceof AuthorizationError) return { kind: 'answer', to: this.errorUrl(error) };
      throw error;
    }
  }

  /** The license that stands in the way of this request, or undefined when none does. */
  async refusal(request: AuthorizationRequest, session: Session): Promise<Refusal | undefined> {
    if (!session.organization) return undefined;
    const modules = concernedModules(await this.modules.all(), request.client.moduleKey, request.scopes);
    return this.issuance.refusal(modules, session.organization, session.userId);
  }

  errorUrl({ code, description, returnAddress }: AuthorizationError): string {
    return answerUrl(returnAddress, this.configuration.issuer, {
      error: code,
      error_description: description,
    });
  }

  private async decide(
    request: AuthorizationRequest,
    fields: FormFields,
    secret: string | undefined,
  ): Promise<AuthorizationOutcome> {
    const { client, prompt } = request;
    const silent = prompt.has('none');
    const ask = (kind: Interaction, error: string): AuthorizationOutcome => {
      if (silent) throw new AuthorizationError(error, SILENT_REFUSALS[kind], request);
      return { kind, resume: resumeUrl(fields, kind) };
    };

    const context = secret === undefined ? undefined : await this.authorizations.context(secret, client.id);
    if (!context || prompt.has('login') || this.isTooOld(context.session, request.maxAge)) {
      return ask('sign-in', 'login_required');
    }
    const { session, consented } = context;
    if (!session.organization || prompt.has('select_account')) {
      return ask('choose-organization', 'interaction_required');
    }
    if (await this.refusal(request, session)) return ask('license-refused', 'access_denied');
    if (prompt.has('consent') || !isConsented(request, consented)) return ask('consent', 'consent_required');
    return this.issue(request, session, session.organization.id, ask);
  }

  private async issue(
    request: AuthorizationRequest,
    session: Session,
    organizationId: string,
    ask: (kind: 'sign-in', error: string) => AuthorizationOutcome,
  ): Promise<AuthorizationOutcome> {
    const { client } = request;
    const now = this.clock.now();
    const authorization = {
      id: randomUUID(),
      rowSecret: Buffer.from(randomSecret(16), 'base64url'),
      clientId: client.id,
      session,
      organizationId,
      scopes: request.scopes,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge,
      nonce: request.nonce,
      codeExpiresAt: addSeconds(now, Math.min(client.codeSeconds, MAX_LIFETIME.code)),
      expiresAt: addSeconds(now, Math.min(client.refreshTokenSeconds, MAX_LIFETIME.refreshToken)),
    };
    if (!(await this.authorizations.create(authorization))) return ask('sign-in', 'login_required');
    const code = this.tokens.mint('code', {
      authorizationId: authorization.id,
      generation: 0,
      rowSecret: authorization.rowSecret,
    });
    return { kind: 'answer', to: answerUrl(request, this.configuration.issuer, { code }) };
  }

  /** OpenID Connect Core §3.1.2.1: older than max_age means signing in again. */
  private isTooOld(session: Session, maxAge: number | undefined): boolean {
    return maxAge !== undefined && addSeconds(session.authTime, maxAge) < this.clock.now();
  }
}

function isConsented({ client, scopes }: AuthorizationRequest, consented: readonly string[]): boolean {
  return client.firstParty || scopes.every((scope) => consented.includes(scope));
}

/** The same request once more, without what the person is about to do for it. */
function resumeUrl(fields: FormFields, interaction: Interaction): string {
  const parameters = new URLSearchParams(singleFields(fields));
  const left = (parameters.get('prompt') ?? '')
    .split(' ')
    .filter((prompt) => prompt !== '' && prompt !== FULFILLED[interaction]);
  if (left.length > 0) parameters.set('prompt', left.join(' '));
  else parameters.delete('prompt');
  // whoever has just signed in is as fresh as any max_age asks; kept, a small one would ask for ever
  if (interaction === 'sign-in') parameters.delete('max_age');
  return `${AUTHORIZATION_PATH}?${parameters}`;
}
