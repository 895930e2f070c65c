import { Injectable } from '@nestjs/common';
import { addSeconds, Clock, Configuration, randomSecret, randomUUID, type FormFields } from '#platform';
import { acrOf, type Session } from '#sessions';
import { IdTokens, OpaqueTokens } from '#tokens';
import { audienceOf, isForAccountAlone, type Audience } from '../audience.js';
import { codeLifetime, MAX_LIFETIME } from '../clients/client.js';
import { IssuancePolicy, type Refusal } from '../issuance-policy.js';
import { ModuleDirectory } from '../module-directory.js';
import { InvalidTarget } from '../oauth.errors.js';
import { scopesForRole } from '../role-policy.js';
import {
  answerParameters,
  AuthorizationError,
  type AuthorizationRequest,
  type ReturnAddress,
} from './authorization-request.js';
import type { AuthorizationContext } from './authorization.js';
import { AuthorizationRepository } from './authorization.repository.js';
import { acrDemand } from './acr-demand.js';
import { acceptedValues, scopesOfClaims } from './claims-request.js';
import { SubmittedRequests, type SubmittedRequest } from './submitted-request.js';

const SILENT_REFUSALS = {
  'sign-in': 'The person would have to sign in.',
  'step-up': 'The person would have to present a second factor.',
  'choose-organization': 'The person would have to choose an organization.',
  consent: 'The person would have to consent.',
  'license-refused': 'The organization has no license that allows this.',
} as const;

/** What the person must do before the request can be answered. */
export type Interaction = keyof typeof SILENT_REFUSALS;

/** What the client is told, and where. */
export interface AuthorizationAnswer {
  readonly to: ReturnAddress;
  readonly parameters: Readonly<Record<string, string>>;
}

/** `resume` continues the request after the interaction. */
export type AuthorizationOutcome =
  | { readonly kind: 'answer'; readonly answer: AuthorizationAnswer }
  | { readonly kind: Interaction; readonly resume: string };

/** The authorization endpoint's decision (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2). */
@Injectable()
export class Authorize {
  constructor(
    private readonly requests: SubmittedRequests,
    private readonly modules: ModuleDirectory,
    private readonly authorizations: AuthorizationRepository,
    private readonly issuance: IssuancePolicy,
    private readonly tokens: OpaqueTokens,
    private readonly idTokens: IdTokens,
    private readonly clock: Clock,
    private readonly configuration: Configuration,
  ) {}

  /** @throws UntrustedAuthorizationRequest, AuthorizationError */
  async read(fields: FormFields): Promise<AuthorizationRequest> {
    return this.requests.parse(await this.requests.submitted(fields));
  }

  /**
   * @param secret of the session cookie, when the browser sent one
   * @throws UntrustedAuthorizationRequest when nothing may be redirected anywhere
   */
  async respond(fields: FormFields, secret: string | undefined): Promise<AuthorizationOutcome> {
    const submitted = await this.requests.submitted(fields);
    try {
      return await this.decide(await this.requests.parse(submitted), submitted, secret);
    } catch (error) {
      if (!(error instanceof AuthorizationError)) throw error;
      if (await this.mustSignInForError(error, submitted, secret)) {
        return { kind: 'sign-in', resume: this.requests.resumeWhole(submitted) };
      }
      await this.requests.spend(submitted);
      return { kind: 'answer', answer: this.errorAnswer(error) };
    }
  }

  /**
   * Answers a request that the person has refused, whose demands they do not meet, or what has become wrong with it
   * since it was shown.
   * @throws UntrustedAuthorizationRequest
   */
  async deny(
    fields: FormFields,
    description: string,
    code: 'access_denied' | 'unmet_authentication_requirements' = 'access_denied',
  ): Promise<AuthorizationAnswer> {
    const submitted = await this.requests.submitted(fields);
    const error = await this.requests.parse(submitted).then(
      (request) => new AuthorizationError(code, description, request),
      (reason: unknown) => {
        if (reason instanceof AuthorizationError) return reason;
        throw reason;
      },
    );
    await this.requests.spend(submitted);
    return this.errorAnswer(error);
  }

  /**
   * The license that stands in the way of this request, or undefined when none does; takes a seat at first use.
   * @throws AuthorizationError when it asks for what this client cannot have at all
   */
  async refusal(request: AuthorizationRequest, session: Session): Promise<Refusal | undefined> {
    if (!session.organization) return undefined;
    const { modules } = await this.audience(await this.forRole(request, session));
    return (await this.issuance.admit(modules, session.organization, session.userId)).refusal;
  }

  /** As `refusal`, before the person has agreed: takes no seat. */
  private async prospect(request: AuthorizationRequest, session: Session): Promise<Refusal | undefined> {
    if (!session.organization) return undefined;
    const { modules } = await this.audience(request);
    return this.issuance.prospect(modules, session.organization, session.userId);
  }

  /** The request without the scopes that are not for the person's role: fewer may be granted (RFC 6749 §3.3). */
  async forRole(request: AuthorizationRequest, { organization }: Session): Promise<AuthorizationRequest> {
    const scopes = scopesForRole(await this.modules.all(), request.scopes, organization ?? null);
    return { ...request, scopes };
  }

  /**
   * RFC 9700 §4.11.2: an address that somebody registered by themselves is reached by nobody whose session does not say
   * that they deal with this server; a silent request (`prompt=none`) is answered as OpenID Connect has it.
   */
  private async mustSignInForError(
    { returnAddress: { client } }: AuthorizationError,
    { fields }: SubmittedRequest,
    secret: string | undefined,
  ): Promise<boolean> {
    if (client.source === 'administrator' || fields['prompt'] === 'none') return false;
    return secret === undefined || !(await this.authorizations.context(secret, client.id));
  }

  errorAnswer({ code, description, returnAddress }: AuthorizationError): AuthorizationAnswer {
    return this.answer(returnAddress, { error: code, error_description: description });
  }

  private answer(to: ReturnAddress, parameters: Readonly<Record<string, string>>): AuthorizationAnswer {
    return { to, parameters: answerParameters(to, this.configuration.issuer, parameters) };
  }

  private async audience(request: AuthorizationRequest): Promise<Audience> {
    const context = { all: await this.modules.all(), issuer: this.configuration.issuer };
    try {
      return audienceOf(context, request.client, request.scopes, request.resources);
    } catch (error) {
      // RFC 8707 §2
      if (error instanceof InvalidTarget)
        throw new AuthorizationError(error.code, 'A resource is not available to this client.', request);
      throw error;
    }
  }

  private async decide(
    request: AuthorizationRequest,
    submitted: SubmittedRequest,
    secret: string | undefined,
  ): Promise<AuthorizationOutcome> {
    const { client, prompt } = request;
    const audience = await this.audience(request);
    const ask = (kind: Interaction, error: string): AuthorizationOutcome => {
      if (prompt.has('none')) throw new AuthorizationError(error, SILENT_REFUSALS[kind], request);
      return { kind, resume: this.requests.resume(submitted) };
    };

    const context = secret === undefined ? undefined : await this.authorizations.context(secret, client.id);
    if (!context || this.mustSignIn(request, submitted.start, context.session)) {
      return ask('sign-in', 'login_required');
    }
    const { session } = context;
    if (owesSecondFactor(request, session)) return ask('step-up', 'unmet_authentication_requirements');
    if (this.mustChooseOrganization(request, audience, submitted.start, context)) {
      return ask('choose-organization', 'interaction_required');
    }
    if (session.organization?.secondFactorRequired === true && acrOf(session.amr) !== 'aal2') {
      return ask('step-up', 'interaction_required');
    }
    const granted = await this.forRole(request, session);
    if (granted.scopes.length === 0 && request.scopes.length > 0) {
      throw new AuthorizationError('access_denied', 'The role of the person allows none of this.', request);
    }
    const agreed = !mustConsent(granted, submitted.start, context);
    const refusal = await (agreed ? this.refusal(granted, session) : this.prospect(granted, session));
    if (refusal) return ask('license-refused', 'access_denied');
    if (!agreed) return ask('consent', 'consent_required');
    return this.issue(granted, submitted, session, ask);
  }

  /**
   * OpenID Connect Core §3.1.2.1: `prompt=login`, an authentication older than `max_age`, or another person than meant.
   * @throws AuthorizationError when they have signed in for this request, and are still another
   */
  private mustSignIn(request: AuthorizationRequest, start: Date | undefined, session: Session): boolean {
    const { prompt, maxAge, claims, idTokenHint } = request;
    // §5.5.1: the request is about this person and nobody else
    const subjects = acceptedValues(claims?.id_token?.['sub']);
    // §3.1.2.1: a hint that cannot be read any more, as its key has gone, may mean anybody: then signing in decides
    const hint = idTokenHint === undefined ? undefined : this.idTokens.readHint(idTokenHint);
    const another = (hint && hint.sub !== session.userId) || subjects?.includes(session.userId) === false;
    if (isSince(session.authTime, start)) {
      if (another) {
        const description = 'Somebody else has signed in than the request is about.';
        throw new AuthorizationError('login_required', description, request);
      }
      return false;
    }
    if (another) return true;
    if (idTokenHint !== undefined && !hint) return true;
    const tooOld = maxAge !== undefined && addSeconds(session.authTime, maxAge) < this.clock.now();
    return prompt.has('login') || tooOld;
  }

  /** Who belongs to none has nothing to choose, where what is asked for is their own account. */
  private mustChooseOrganization(
    { prompt, scopes }: AuthorizationRequest,
    audience: Audience,
    start: Date | undefined,
    { session, belongs }: AuthorizationContext,
  ): boolean {
    if (session.organization) {
      return prompt.has('select_account') && !isSince(session.organizationChosenAt, start);
    }
    return belongs || !isForAccountAlone(audience, this.configuration.issuer, scopes);
  }

  private async issue(
    request: AuthorizationRequest,
    submitted: SubmittedRequest,
    session: Session,
    ask: (kind: 'sign-in', error: string) => AuthorizationOutcome,
  ): Promise<AuthorizationOutcome> {
    const { client } = request;
    const now = this.clock.now();
    const authorization = {
      id: randomUUID(),
      rowSecret: Buffer.from(randomSecret(16), 'base64url'),
      clientId: client.id,
      session,
      organizationId: session.organization?.id ?? null,
      scopes: request.scopes,
      resources: request.resources,
      redirectUri: request.redirectUri,
      codeChallenge: request.codeChallenge ?? null,
      dpopJkt: request.dpopJkt ?? null,
      claims: request.claims ?? null,
      nonce: request.nonce ?? null,
      codeExpiresAt: addSeconds(now, codeLifetime(client)),
      expiresAt: addSeconds(now, Math.min(client.refreshTokenSeconds, MAX_LIFETIME.refreshToken)),
    };
    const created = await this.authorizations.create(authorization, submitted.reference);
    if (created === 'session-ended') return ask('sign-in', 'login_required');
    if (created === 'request-spent') throw this.requests.spentAlready();
    const code = this.tokens.mint('code', {
      authorizationId: authorization.id,
      generation: 0,
      rowSecret: authorization.rowSecret,
    });
    return { kind: 'answer', answer: this.answer(request, { code }) };
  }
}

/** Whether something was done after the request had first come, and so for it. */
function isSince(done: Date | undefined, start: Date | undefined): boolean {
  return done !== undefined && start !== undefined && done >= start;
}

function mustConsent(
  { client, prompt, scopes, claims }: AuthorizationRequest,
  start: Date | undefined,
  { consented, consentedAt }: AuthorizationContext,
): boolean {
  const needed = [...scopes, ...scopesOfClaims(claims)];
  const covered = needed.every((scope) => consented.includes(scope));
  if (prompt.has('consent')) return !(covered && isSince(consentedAt, start));
  return !client.firstParty && !covered;
}

/**
 * Whether the client asks for a class that the person would reach with a second factor. A wish is not put to them once
 * they have declined it, nor where nothing may be asked.
 * @throws AuthorizationError when an essential class is none that can be reached (OpenID Connect Core §5.5.1.1)
 */
function owesSecondFactor(request: AuthorizationRequest, session: Session): boolean {
  const demand = acrDemand(request, session.amr);
  if (demand === 'unreachable') {
    throw new AuthorizationError(
      'unmet_authentication_requirements',
      `The person is authenticated as ${acrOf(session.amr)}, and none of the accepted classes can be reached.`,
      request,
    );
  }
  const mayWish = !session.secondFactorDeclined && !request.prompt.has('none');
  return demand === 'essential' || (demand === 'wished' && mayWish);
}
