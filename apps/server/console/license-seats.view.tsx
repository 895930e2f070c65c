import type { VNode } from 'preact';
import type { ComingTerms, HeldLease, KeptSeat, LicenseOverview, SeatHolder } from '#licensing';
import { HiddenFields } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { Moment } from '../pages/moment.js';
import { seatsSentence } from './license-state.js';
import { since } from './since.js';

export interface SeatsShown {
  readonly holders: readonly SeatHolder[];
  readonly candidates: readonly Person[];
  /** The named seats that are to come, which can be assigned already. */
  readonly ahead: ComingTerms | undefined;
  /** For invitations. */
  readonly kept: readonly KeptSeat[];
  readonly leases: readonly HeldLease[];
}

interface SeatsProps {
  readonly account: Account;
  readonly license: LicenseOverview;
  readonly seats: SeatsShown;
  readonly at: Date;
}

type Person = Pick<SeatHolder, 'userId' | 'name' | 'email'>;

const ways: Readonly<Record<SeatHolder['way'], string>> = {
  administrator: 'Assigned',
  'first-use': 'On first use',
  import: 'Imported',
  invitation: 'Invited',
};

const UUID = /^[0-9a-f]{8}-[0-9a-f-]{27}$/;

function Assign({ license, seats, account }: Omit<SeatsProps, 'at'>): VNode {
  const { candidates } = seats;
  if (candidates.length === 0) return <p class="muted">Everybody of the organization has a seat.</p>;
  return (
    <form method="post" action={`/console/licenses/${license.id}/seats`}>
      <HiddenFields csrfToken={account.csrfToken} />
      <div class="field">
        <label for="user_id">Member without a seat</label>
        <select id="user_id" name="user_id">
          {candidates.map(({ userId, name, email }) => (
            <option key={userId} value={userId}>
              {name} ({email})
            </option>
          ))}
        </select>
      </div>
      <button class="button button-primary" type="submit">
        Assign seat
      </button>
    </form>
  );
}

function NamedSeat({ holder, ...props }: SeatsProps & { holder: SeatHolder }): VNode {
  const { license, account } = props;
  const { userId, name, email, assignedAt, way } = holder;
  return (
    <li>
      <span class="contact">
        <span>{name}</span>
        <span class="muted small">{email}</span>
        <span class="muted small">
          {ways[way]} <Moment at={assignedAt} />
        </span>
      </span>
      <form class="actions" method="post" action={`/console/licenses/${license.id}/seats/release`}>
        <HiddenFields csrfToken={account.csrfToken} />
        <input type="hidden" name="user_id" value={userId} />
        <button class="button button-quiet" type="submit" aria-label={`Release the seat of ${name}`}>
          Release
        </button>
      </form>
    </li>
  );
}

function KeptSeatRow({ email, expiresAt }: KeptSeat): VNode {
  return (
    <li>
      <span class="contact">
        <span>{email ?? 'Somebody who is invited'}</span>
        <span class="muted small">
          Kept for the invitation until <Moment at={expiresAt} />
        </span>
      </span>
    </li>
  );
}

function FloatingSeat({ lease, ...props }: SeatsProps & { lease: HeldLease }): VNode {
  const { license, account, at } = props;
  const { name, email, device, fence, leasedAt, heardAt, expiresAt } = lease;
  return (
    <li>
      <span class="contact">
        <span>{name}</span>
        <span class="muted small">{email}</span>
        <span class="muted small">
          Since <Moment at={leasedAt} />, in <DeviceName device={device} />
        </span>
        <span class="muted small">
          Heard of {since(heardAt, at)}; unless heard of again, free <Moment at={expiresAt} />
        </span>
      </span>
      <form class="actions" method="post" action={`/console/licenses/${license.id}/leases/end`}>
        <HiddenFields csrfToken={account.csrfToken} />
        <input type="hidden" name="fence" value={fence} />
        <button class="button button-quiet" type="submit" aria-label={`End the floating seat of ${name}`}>
          End
        </button>
      </form>
    </li>
  );
}

/** The module kit names a person's session; another program says what it likes. */
function DeviceName({ device }: { device: string }): VNode {
  return UUID.test(device) ? <>session {device.slice(0, 8)}</> : <>{device}</>;
}

/** Who gets in once the license has named seats. */
function SeatsAhead({ ahead, ...props }: SeatsProps & { ahead: ComingTerms }): VNode {
  const { holders } = props.seats;
  return (
    <>
      <h3>
        Named seats from <Moment at={new Date(ahead.effectiveAt)} /> on
      </h3>
      <p class="muted">
        {holders.length} of {ahead.seatLimit} assigned. Nobody else gets in from then on.
      </p>
      {holders.length > 0 && (
        <ul class="account-list seat-list">
          {holders.map((holder) => (
            <NamedSeat key={holder.userId} {...props} holder={holder} />
          ))}
        </ul>
      )}
      <Assign {...props} />
    </>
  );
}

export function Seats(props: SeatsProps): VNode {
  const { license, seats } = props;
  const { seatModel } = license;
  const { holders, kept } = seatModel === 'named' ? seats : { holders: [], kept: [] };
  const leases = seatModel === 'floating' ? seats.leases : [];
  return (
    <section class="panel" aria-labelledby="seats">
      <h2 id="seats">Seats</h2>
      <p class="muted">
        {seatModel === 'unlimited'
          ? 'Everybody of the organization may use the module.'
          : `${seatsSentence(license)}.`}
        {seatModel === 'floating' && ' Who comes takes one, and gives it back on leaving.'}
      </p>
      {holders.length + kept.length + leases.length > 0 && (
        <ul class="account-list seat-list">
          {holders.map((holder) => (
            <NamedSeat key={holder.userId} {...props} holder={holder} />
          ))}
          {kept.map((seat) => (
            <KeptSeatRow key={seat.invitationId} {...seat} />
          ))}
          {leases.map((lease) => (
            <FloatingSeat key={lease.fence} {...props} lease={lease} />
          ))}
        </ul>
      )}
      {seatModel === 'named' && <Assign {...props} />}
      {seats.ahead && <SeatsAhead {...props} ahead={seats.ahead} />}
    </section>
  );
}
