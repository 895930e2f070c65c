import { Injectable } from '@nestjs/common';
import {
  InvitationAcceptanceRepository,
  InvitationRepository,
  requireMail,
  type AcceptedInvitation,
  type InvitedLine,
  type Invitee,
} from '#accounts';
import { LicenseOverviewRepository, lockLicensesBeside, SeatReservationRepository } from '#licensing';
import type { Actor } from '#observability';
import { Configuration, Database, PublicError, randomUUID, type Transaction } from '#platform';

/** What became of a line of a list of addresses. */
export interface InviteResult {
  readonly text: string;
  /** Undefined when the invitation is on its way. */
  readonly problem: string | undefined;
}

/** An invitation that is on its way. */
export interface SentInvitation {
  readonly id: string;
  readonly expiresAt: Date;
}

export interface Acceptance extends AcceptedInvitation {
  /** Whether a seat was kept that was not to be had any more. */
  readonly seatMissed: boolean;
}

type Accept = (on: Transaction) => Promise<AcceptedInvitation>;

/** Refusals that are none of one address. */
const ABOUT_THE_ACTOR = new Set(['access_denied', 'beyond_authority']);

/**
 * Invitations with the seats that are kept for them: both in one transaction, in which the licenses are locked before
 * the organization, as everything about seats is.
 */
@Injectable()
export class Invitations {
  constructor(
    private readonly database: Database,
    private readonly invitations: InvitationRepository,
    private readonly acceptance: InvitationAcceptanceRepository,
    private readonly reservations: SeatReservationRepository,
    private readonly licenses: LicenseOverviewRepository,
    private readonly configuration: Configuration,
  ) {}

  /** Invites each address of a list, as far as it can be. @throws PublicError what keeps every one from it, as `no_mail` */
  async inviteAll(
    lines: readonly InvitedLine[],
    about: Omit<Invitee, 'email'>,
    by: Actor,
  ): Promise<InviteResult[]> {
    requireMail(this.configuration);
    const results: InviteResult[] = [];
    for (const { text, email, problem } of lines) {
      if (email === undefined) results.push({ text, problem });
      else results.push({ text, problem: await this.problemOf(() => this.invite({ ...about, email }, by)) });
    }
    return results;
  }

  /** @throws PublicError 403 `no_mail`; as InvitationRepository.invite and SeatReservationRepository.reserveSeat */
  async invite(invitee: Invitee, by: Actor): Promise<SentInvitation> {
    requireMail(this.configuration);
    const id = randomUUID();
    const { licenseId, organizationId } = invitee;
    // another organization's license is as unknown as none
    if (licenseId !== undefined) await this.licenses.find(licenseId, organizationId);
    const expiresAt = await this.database.transaction(async (on) => {
      if (licenseId !== undefined) {
        await this.reservations.reserveSeat(licenseId, id, this.invitations.expiry(), by.id, on);
      }
      return this.invitations.invite(on, id, invitee, by);
    });
    return { id, expiresAt };
  }

  /** @throws PublicError 403 `no_mail`; as InvitationRepository.resend and SeatReservationRepository.reserveSeat */
  async resend(id: string, organizationId: string, by: Actor): Promise<SentInvitation> {
    requireMail(this.configuration);
    const newId = randomUUID();
    const licenseId = await this.invitations.licenseOf(id, organizationId);
    const expiresAt = await this.database.transaction(async (on) => {
      if (licenseId !== undefined) {
        await this.reservations.cancelReservation({ organizationId, invitationId: id }, by.id, licenseId, on);
        await this.reservations.reserveSeat(licenseId, newId, this.invitations.expiry(), by.id, on);
      }
      return this.invitations.resend(on, { id, newId, organizationId }, by);
    });
    return { id: newId, expiresAt };
  }

  /** @throws PublicError as InvitationRepository.withdraw */
  async withdraw(id: string, organizationId: string, by: Actor): Promise<void> {
    await this.database.transaction(async (on) => {
      await this.reservations.cancelReservation({ organizationId, invitationId: id }, by.id, undefined, on);
      await this.invitations.withdraw(on, id, organizationId, by);
    });
  }

  /** @throws PublicError as InvitationAcceptanceRepository.accept */
  async accept(secret: string, licenseId: string | undefined, by: Actor): Promise<Acceptance> {
    return this.seated(secret, licenseId, (on) => this.acceptance.accept(on, secret, by));
  }

  /** @throws PublicError as InvitationAcceptanceRepository.acceptWithNewAccount */
  async acceptWithNewAccount(
    secret: string,
    licenseId: string | undefined,
    person: { readonly name: string; readonly passwordHash: string },
    address: string,
  ): Promise<Acceptance> {
    return this.seated(secret, licenseId, (on) =>
      this.acceptance.acceptWithNewAccount(on, secret, person, address),
    );
  }

  /** Joins with the seat that was kept; when it is not to be had any more, without it. */
  private async seated(secret: string, licenseId: string | undefined, accept: Accept): Promise<Acceptance> {
    if (licenseId === undefined) {
      return { ...(await this.database.transaction(accept)), seatMissed: false };
    }
    const tried: { accepted?: AcceptedInvitation | undefined } = {};
    try {
      return await this.database.transaction(async (on) => {
        tried.accepted = undefined;
        await lockLicensesBeside(on, licenseId);
        await this.acceptance.lockOrganization(on, secret);
        const accepted = await accept(on);
        tried.accepted = accepted;
        const { invitationId, userId, organizationId } = accepted;
        if (organizationId !== undefined) {
          await this.reservations.convertReservation({ organizationId, invitationId }, userId, userId, on);
        }
        return { ...accepted, seatMissed: false };
      });
    } catch (error) {
      // what the seats answer keeps nobody out; what the invitation answers does
      if (!(error instanceof PublicError) || tried.accepted === undefined) throw error;
    }
    const { organizationId = '', invitationId } = tried.accepted;
    const joined = await this.database.transaction(async (on) => {
      // else the seat would be kept until the invitation's end for nobody
      await this.reservations.cancelReservation({ organizationId, invitationId }, 'system', undefined, on);
      return accept(on);
    });
    return { ...joined, seatMissed: true };
  }

  private async problemOf(act: () => Promise<unknown>): Promise<string | undefined> {
    try {
      await act();
      return undefined;
    } catch (error) {
      // what is about the actor is about every line
      if (!(error instanceof PublicError) || ABOUT_THE_ACTOR.has(error.code)) throw error;
      return error.publicMessage;
    }
  }
}
