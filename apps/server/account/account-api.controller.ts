import { Controller, Delete, Get, HttpCode, Param, Patch, Req } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { AccountRepository, ProfileRepository } from '#accounts';
import { AuthorizedApplicationRepository, type LiveToken } from '#oauth';
import { CurrentToken, JsonBody, PublicError, QueryOf } from '#platform';
import { deviceName, OwnSessionsRepository } from '#sessions';
import { ACCOUNT, APPLICATIONS, ENDED_SESSIONS, SESSIONS } from './account-answers.js';
import { AccountApi } from './account-api-route.js';
import { NameBody, NO_ORGANIZATION, RevocationQuery } from './account-requests.js';
import { organizationOf, personOf, tokenActor } from './token-person.js';

/** A person's own account, for who holds their token; errors are problem details (RFC 9457). */
@Controller('v1/account')
export class AccountApiController {
  constructor(
    private readonly accounts: AccountRepository,
    private readonly profiles: ProfileRepository,
    private readonly ownSessions: OwnSessionsRepository,
    private readonly authorizedApplications: AuthorizedApplicationRepository,
  ) {}

  @Get()
  @AccountApi('account:read', 'Tell who somebody is, and what in the organization that the token is for', {
    answer: ACCOUNT,
  })
  async show(@CurrentToken() token: LiveToken) {
    return this.accountOf(token);
  }

  @Patch()
  @AccountApi('account:write', 'Change the name', { body: NameBody, answer: ACCOUNT })
  async change(
    @JsonBody() { name }: NameBody,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ) {
    const { userId } = personOf(token);
    await this.profiles.rename(userId, name, tokenActor(token, request));
    return this.accountOf(token);
  }

  @Get('sessions')
  @AccountApi('account:read', 'List the sessions', { answer: SESSIONS })
  async sessions(@CurrentToken() token: LiveToken) {
    const sessions = await this.ownSessions.of(personOf(token).userId);
    return {
      sessions: sessions.map((session) => ({
        id: session.id,
        device: deviceName(session.origin?.userAgent ?? ''),
        address: session.origin?.address ?? null,
        signed_in_at: session.signedInAt.toISOString(),
        last_used_at: session.lastUsedAt.toISOString(),
        organization: session.organizationId === organizationOf(token) ? session.organizationName : null,
        current: session.id === token.claims.sid,
      })),
    };
  }

  /** The session that the token hangs on is kept; a token of offline access hangs on none. */
  @Delete('sessions')
  @AccountApi('account:write', 'End every session but the token’s own', {
    recent: true,
    answer: ENDED_SESSIONS,
  })
  async endOtherSessions(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const { userId } = personOf(token);
    const ended = await this.ownSessions.endOthers(userId, token.claims.sid, tokenActor(token, request));
    return { ended };
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @AccountApi('account:write', 'End a session', { recent: true })
  async endSession(
    @Param('id') id: string,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const { userId } = personOf(token);
    if (!isUUID(id) || !(await this.ownSessions.end(userId, id, tokenActor(token, request)))) {
      throw new PublicError(404, 'unknown_session', 'There is no such session, or it has ended already.');
    }
  }

  @Get('applications')
  @AccountApi('account:read', 'List what applications may do in the organization that the token is for', {
    answer: APPLICATIONS,
  })
  async applications(@CurrentToken() token: LiveToken) {
    const { userId } = personOf(token);
    const applications = await this.authorizedApplications.of(userId, organizationOf(token));
    return {
      applications: applications.map((application) => ({
        client_id: application.clientId,
        name: application.name,
        first_party: application.firstParty,
        organization: application.organization,
        scopes: application.scopes,
        since: application.since.toISOString(),
        last_used_at: application.lastUsedAt?.toISOString() ?? null,
      })),
    };
  }

  /** For one organization, for none, or wherever it is. */
  @Delete('applications/:clientId')
  @HttpCode(204)
  @AccountApi('account:write', 'End the access of an application', { query: RevocationQuery })
  async revokeApplication(
    @Param('clientId') clientId: string,
    @QueryOf() { organization_id: organization }: RevocationQuery,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const organizationId = organization === NO_ORGANIZATION ? null : organization;
    const application = { userId: personOf(token).userId, clientId, organizationId };
    const known =
      /^[\x21-\x7e]+$/.test(clientId) &&
      (await this.authorizedApplications.revoke(application, tokenActor(token, request)));
    if (!known) {
      throw new PublicError(404, 'unknown_application', 'This application has no access to the account.');
    }
  }

  private async accountOf(token: LiveToken) {
    const { userId } = personOf(token);
    const profile = await this.profiles.find(userId);
    if (!profile) throw new PublicError(404, 'unknown_account', 'The account is gone.');
    const organization = organizationOf(token);
    const memberships = organization === null ? [] : await this.accounts.membershipsOf(userId, organization);
    return {
      id: profile.id,
      name: profile.name,
      email: profile.email,
      email_verified: profile.emailVerified,
      deletion_at: profile.deletionAt?.toISOString() ?? null,
      organizations: memberships.map(({ id, key, name, role, customRole }) => ({
        id,
        key,
        name,
        role,
        custom_role: customRole && { key: customRole.key, name: customRole.name },
      })),
    };
  }
}
