import { Injectable } from '@nestjs/common';
import {
  AccountDeletionRepository,
  AccountRemovalRepository,
  InvitationRepository,
  MailedTokenRepository,
  OrganizationDeletionRepository,
  OrganizationRemovalRepository,
  RefusedActRepository,
} from '#accounts';
import { DeliveryRepository, MailRepository, OutboxRepository, WebhookRepository } from '#events';
import {
  OfflineGrantRepository,
  SeatLeaseRepository,
  SeatRepository,
  SeatReservationRepository,
  UsageRepository,
} from '#licensing';
import { ExpiryRepository, RegisteredClientRepository } from '#oauth';
import { addSeconds, Clock, RepeatedWork } from '#platform';
import {
  FactorTriesRepository,
  KnownDevices,
  LockoutRepository,
  PendingSignInRepository,
  UnlockRepository,
  WebAuthnChallengeRepository,
} from '#sessions';
import { KeyRotation } from '#tokens';

const INTERVAL = 60_000;
const BATCH = 1000;
/** Events are kept until the last access token that they concern has expired, and an hour more. */
const OUTBOX_SECONDS = 90_000;
const LOGOUT_LOG_SECONDS = 86_400;
/** A week, in which somebody may look at the delivery log and send again. */
const WEBHOOK_LOG_SECONDS = 7 * 86_400;
/** A week, in which somebody may ask whether a mail has left. */
const MAIL_LOG_SECONDS = 7 * 86_400;
/** A month, in which somebody may ask why a license file is refused. */
const OFFLINE_LOG_SECONDS = 30 * 86_400;

/** Removes what has expired, in small batches, so that nothing grows without end. */
@Injectable()
export class Sweeper extends RepeatedWork {
  constructor(
    private readonly outbox: OutboxRepository,
    private readonly deliveries: DeliveryRepository,
    private readonly webhooks: WebhookRepository,
    private readonly expiry: ExpiryRepository,
    private readonly registeredClients: RegisteredClientRepository,
    private readonly lockout: LockoutRepository,
    private readonly unlocks: UnlockRepository,
    private readonly devices: KnownDevices,
    private readonly keys: KeyRotation,
    private readonly offlineGrants: OfflineGrantRepository,
    private readonly clock: Clock,
    private readonly usage: UsageRepository,
    private readonly reservations: SeatReservationRepository,
    private readonly leases: SeatLeaseRepository,
    private readonly seats: SeatRepository,
    private readonly factorTries: FactorTriesRepository,
    private readonly pendingSignIns: PendingSignInRepository,
    private readonly challenges: WebAuthnChallengeRepository,
    private readonly mails: MailRepository,
    private readonly mailedTokens: MailedTokenRepository,
    private readonly invitations: InvitationRepository,
    private readonly organizations: OrganizationRemovalRepository,
    private readonly people: AccountRemovalRepository,
    private readonly organizationDeletion: OrganizationDeletionRepository,
    private readonly accountDeletion: AccountDeletionRepository,
    private readonly refusedActs: RefusedActRepository,
  ) {
    super({ interval: INTERVAL, failing: 'sweeping waits' });
  }

  protected override work(stopping: () => boolean): Promise<void> {
    return this.sweep(stopping);
  }

  /** One batch of each kind; what cannot be swept now keeps nothing else from being swept. */
  async sweep(stopping: () => boolean = () => false): Promise<void> {
    const now = this.clock.now();
    const steps: Readonly<Record<string, () => Promise<unknown>>> = {
      outbox: () => this.outbox.prune(addSeconds(now, -OUTBOX_SECONDS), BATCH),
      logouts: () => this.deliveries.prune('logout', addSeconds(now, -LOGOUT_LOG_SECONDS), BATCH),
      deliveries: () => this.deliveries.prune('webhook', addSeconds(now, -WEBHOOK_LOG_SECONDS), BATCH),
      webhooks: () => this.webhooks.prune(BATCH),
      expired: () => this.expiry.prune(BATCH),
      clients: () => this.registeredClients.prune(BATCH),
      failures: () => this.lockout.prune(BATCH),
      'factor tries': () => this.factorTries.prune(BATCH),
      'pending sign-ins': () => this.pendingSignIns.prune(BATCH),
      challenges: () => this.challenges.prune(BATCH),
      unlocks: () => this.unlocks.prune(BATCH),
      devices: () => this.devices.prune(BATCH),
      mails: () => this.mails.prune(addSeconds(now, -MAIL_LOG_SECONDS), BATCH),
      'refused acts': () => this.refusedActs.prune(BATCH),
      tokens: () => this.mailedTokens.prune(BATCH),
      keys: () => this.keys.prune(BATCH),
      usage: () => this.usage.prune(BATCH),
      reservations: () => this.reservations.prune(BATCH),
      leases: () => this.leases.prune(BATCH),
      seats: () => this.seats.prune(BATCH),
      invitations: () => this.invitations.prune(BATCH),
      organizations: () => this.organizations.sweep(BATCH),
      people: () => this.people.sweep(BATCH),
      'news of deletions': async () => {
        await this.organizationDeletion.tellLater();
        await this.accountDeletion.tellLater();
      },
      files: () => this.offlineGrants.prune(addSeconds(now, -OFFLINE_LOG_SECONDS), BATCH),
    };
    for (const [what, step] of Object.entries(steps)) {
      if (stopping()) return;
      await step().catch((error: Error) => this.logger.warn(`sweeping ${what} waits: ${error.message}`));
    }
  }
}
