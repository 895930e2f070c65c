import { Body, Controller, Delete, Get, Header, HttpCode, Param, Patch, Query, Req } from '@nestjs/common';
import { isUUID, IsOptional, IsUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { AccountRepository, ProfileRepository } from '#accounts';
import { AuthorizedApplicationRepository, type LiveToken } from '#oauth';
import { AcceptsJson, CurrentToken, PublicError, RequireScope } from '#platform';
import { deviceName, OwnSessionsRepository } from '#sessions';
import { personOf, tokenActor } from './token-person.js';

class RevocationQuery {
  @IsOptional()
  @IsUUID(undefined, { message: 'organization_id must be an organization.' })
  organization_id?: string;
}

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
  @RequireScope('account:read')
  @Header('cache-control', 'no-store')
  async show(@CurrentToken() token: LiveToken) {
    return this.accountOf(personOf(token).userId);
  }

  @Patch()
  @RequireScope('account:write')
  @AcceptsJson()
  @Header('cache-control', 'no-store')
  async change(@Body() body: unknown, @CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const { userId } = personOf(token);
    await this.profiles.rename(userId, nameOf(request, body), tokenActor(token, request));
    return this.accountOf(userId);
  }

  @Get('sessions')
  @RequireScope('account:read')
  @Header('cache-control', 'no-store')
  async sessions(@CurrentToken() token: LiveToken) {
    const sessions = await this.ownSessions.of(personOf(token).userId);
    return {
      sessions: sessions.map((session) => ({
        id: session.id,
        device: deviceName(session.origin?.userAgent ?? ''),
        address: session.origin?.address ?? null,
        signed_in_at: session.signedInAt.toISOString(),
        last_used_at: session.lastUsedAt.toISOString(),
        organization: session.organizationName,
        current: session.id === token.claims.sid,
      })),
    };
  }

  /** The session that the token hangs on is kept; a token of offline access hangs on none. */
  @Delete('sessions')
  @RequireScope('account:write')
  @Header('cache-control', 'no-store')
  async endOtherSessions(@CurrentToken() token: LiveToken, @Req() request: FastifyRequest) {
    const { userId } = personOf(token);
    const ended = await this.ownSessions.endOthers(userId, token.claims.sid, tokenActor(token, request));
    return { ended };
  }

  @Delete('sessions/:id')
  @HttpCode(204)
  @RequireScope('account:write')
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
  @RequireScope('account:read')
  @Header('cache-control', 'no-store')
  async applications(@CurrentToken() token: LiveToken) {
    const applications = await this.authorizedApplications.of(personOf(token).userId);
    return {
      applications: applications.map((application) => ({
        client_id: application.clientId,
        name: application.name,
        first_party: application.firstParty,
        organization: { id: application.organizationId, name: application.organizationName },
        scopes: application.scopes,
        since: application.since.toISOString(),
        last_used_at: application.lastUsedAt?.toISOString() ?? null,
      })),
    };
  }

  /** For one organization, or for all of them. */
  @Delete('applications/:clientId')
  @HttpCode(204)
  @RequireScope('account:write')
  async revokeApplication(
    @Param('clientId') clientId: string,
    @Query() { organization_id: organization }: RevocationQuery,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const application = { userId: personOf(token).userId, clientId, organizationId: organization ?? null };
    const known =
      /^[\x21-\x7e]+$/.test(clientId) &&
      (await this.authorizedApplications.revoke(application, tokenActor(token, request)));
    if (!known) {
      throw new PublicError(404, 'unknown_application', 'This application has no access to the account.');
    }
  }

  private async accountOf(userId: string) {
    const profile = await this.profiles.find(userId);
    if (!profile) throw new PublicError(404, 'unknown_account', 'The account is gone.');
    const memberships = await this.accounts.membershipsOf(userId);
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

/** @throws PublicError 400 when the body is anything but `{ "name": "…" }` */
function nameOf({ headers }: FastifyRequest, body: unknown): string {
  if (!/^application\/json *(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new PublicError(400, 'invalid_request', 'The body must be sent as application/json.');
  }
  const members = typeof body === 'object' && body !== null ? Object.entries(body) : [];
  const [first, ...rest] = members;
  if (!first || rest.length > 0 || first[0] !== 'name' || typeof first[1] !== 'string') {
    throw new PublicError(400, 'invalid_request', 'The body must be a JSON object with a name, and no more.');
  }
  return first[1];
}
