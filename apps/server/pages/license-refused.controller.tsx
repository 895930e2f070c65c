import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { IsString } from 'class-validator';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AccountRepository } from '#accounts';
import { answerUrl, Authorize, AuthorizationError, type AuthorizationRequest, type Refusal } from '#oauth';
import { CurrentSession, RequireSession } from '#platform';
import { Csrf, type Session } from '#sessions';
import { LicenseRefusedView } from './license-refused.view.js';
import { Contacts } from './contacts.js';
import { Pages } from './pages.js';
import { ReturnAddress } from './return-address.js';
import { accountOf } from './visit.js';

class RefusedQuery {
  @IsString({ message: 'This page is only reached from an application.' })
  return_to!: string;
}

@Controller('license-refused')
export class LicenseRefusedController {
  constructor(
    private readonly authorize: Authorize,
    private readonly accounts: AccountRepository,
    private readonly contacts: Contacts,
    private readonly csrf: Csrf,
    private readonly returnAddress: ReturnAddress,
    private readonly pages: Pages,
  ) {}

  /** The license is looked at again, not read from the address: whoever reloads once it is there goes on. */
  @Get()
  @RequireSession()
  async show(
    @Query() query: RefusedQuery,
    @CurrentSession() session: Session,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const returnTo = await this.returnAddress.safe(query.return_to);
    const authorization = await this.returnAddress.authorizationRequest(returnTo);
    const refusal = authorization && (await this.refusal(authorization, session));
    if (!authorization || !refusal) {
      reply.redirect(returnTo, 303);
      return;
    }
    const { organization } = session;
    const { client } = authorization;
    const denied = this.authorize.errorAnswer(
      new AuthorizationError(
        'access_denied',
        `The organization may not use this module (${refusal.decision.code}).`,
        authorization,
      ),
    );
    const view = (
      <LicenseRefusedView
        module={refusal.module}
        organization={organization}
        code={refusal.decision.code}
        licenseId={refusal.decision.licenseId}
        seatFreeAt={refusal.seatFreeAt}
        administers={
          organization ? await this.contacts.administers(organization.id, session.userId) : 'nothing'
        }
        contacts={organization ? await this.contacts.of(organization.id) : []}
        hasOtherOrganizations={(await this.accounts.membershipsOf(session.userId)).length > 1}
        returnTo={returnTo}
        application={
          // a link cannot post, so who asked for form_post is not led back
          client.firstParty || authorization.responseMode === 'form_post'
            ? undefined
            : { name: client.name, url: answerUrl(authorization.redirectUri, denied.parameters) }
        }
        account={accountOf({ session, request, reply }, this.csrf)}
      />
    );
    this.pages.send(reply, view, { status: 403 });
  }

  /** A request that is wrong in another way is answered at the address that it came to. */
  private async refusal(authorization: AuthorizationRequest, session: Session): Promise<Refusal | undefined> {
    try {
      return await this.authorize.refusal(authorization, session);
    } catch (error) {
      if (error instanceof AuthorizationError) return undefined;
      throw error;
    }
  }
}
