import { Controller, HttpCode, Post } from '@nestjs/common';
import { InvitationAcceptanceRepository, invalidInvitation } from '#accounts';
import { JsonBody, toWire } from '#platform';
import { Invitations } from '../invitations.service.js';
import { ACCEPTANCE } from './answers.js';
import { CurrentCaller, OrganizationApi, type Caller } from './api-route.js';
import { AcceptanceBody } from './requests.js';

/** Invitations, for who was invited and has an account already. */
@Controller('v1/invitations')
export class AcceptanceApiController {
  constructor(
    private readonly invitations: Invitations,
    private readonly acceptance: InvitationAcceptanceRepository,
  ) {}

  /** The token goes on for the organization that it was issued for, or for none: for the new one the person allows another. */
  @Post('accept')
  @HttpCode(200)
  @OrganizationApi(
    'organization:write',
    'whoever is signed in',
    'Accept an invitation by the token of its link; as the invited address alone',
    { body: AcceptanceBody, answer: ACCEPTANCE, withoutOrganization: 'account:write' },
  )
  async accept(@JsonBody() { token }: AcceptanceBody, @CurrentCaller() { actor }: Caller) {
    const invitation = await this.acceptance.find(token);
    if (!invitation) throw invalidInvitation();
    const { organizationId, seatMissed } = await this.invitations.accept(token, invitation.licenseId, actor);
    return toWire({ organizationId, seatMissed });
  }
}
