import { Injectable } from '@nestjs/common';
import {
  decide,
  licenseState,
  LicenseSnapshots,
  SeatRepository,
  SeatsExhausted,
  termsAt,
  type Decision,
  type LicenseSnapshot,
  type SnapshotLicense,
} from '#licensing';
import { Clock, PublicError } from '#platform';
import type { Module } from './module-directory.js';
import { AccessDenied } from './oauth.errors.js';

export interface Refusal {
  readonly module: Module;
  readonly decision: Decision;
  /** Licenses that give the person a free seat at first use, which would end the refusal. */
  readonly openLicenses: readonly string[];
  /** When a seat is free, where those that are in nobody's use go to their last holders alone until then. */
  readonly seatFreeAt?: Date | null;
}

/** For whom a token would be: the organization as the statement saw it that led here. */
export interface ActingOrganization {
  readonly id: string;
  /** The decision is never made on an older state. */
  readonly licenseVersion?: number;
}

/** How the modules that are asked for answer. */
export interface Admission {
  readonly refusal: Refusal | undefined;
  /** The organization's license version that this rests on, when it is known. */
  readonly licenseVersion: number | undefined;
}

/** Nobody holds a floating seat before they come: the module takes it then, and a token waits for none. */
const LEASED_BY_THE_MODULE = [{ until: new Date(8_640_000_000_000_000) }];

/** A refusal as the client is told of it. */
export function licenseDenied({ module, decision }: Refusal): AccessDenied {
  return new AccessDenied(`The organization may not use ${module.name} (${decision.code}).`, decision.code);
}

/** No token is issued for a module that the organization has no license for, whatever the grant. */
@Injectable()
export class IssuancePolicy {
  constructor(
    private readonly snapshots: LicenseSnapshots,
    private readonly seats: SeatRepository,
    private readonly clock: Clock,
  ) {}

  /**
   * Looks, and takes nothing; the only one that may be asked inside a transaction.
   * @param userId null for a machine
   * @returns the first module that is refused, or undefined when all are allowed
   */
  async refusal(
    modules: readonly Module[],
    organization: ActingOrganization,
    userId: string | null,
  ): Promise<Refusal | undefined> {
    if (modules.length === 0) return undefined;
    const snapshot =
      organization.licenseVersion === undefined
        ? await this.snapshots.current(organization.id)
        : await this.snapshots.atLeast(organization.id, organization.licenseVersion);
    const now = this.clock.now();
    for (const module of modules) {
      const question = {
        userId,
        module: module.key,
        environment: module.environment,
        leases: LEASED_BY_THE_MODULE,
      };
      const decision = decide(snapshot, question, now);
      if (!decision.allow) return refusalOf(module, decision, openTo(userId, module, snapshot, now));
    }
    return undefined;
  }

  /** As `refusal`, for who only asks what would happen: a seat that first use would give counts as given. */
  async prospect(
    modules: readonly Module[],
    organization: ActingOrganization,
    userId: string,
  ): Promise<Refusal | undefined> {
    for (const module of modules) {
      const refusal = await this.refusal([module], organization, userId);
      if (refusal && refusal.openLicenses.length === 0) return refusal;
    }
    return undefined;
  }

  /**
   * As `refusal`, and gives a person without a seat a free one where first use does so; the decision is then made
   * again on a snapshot that knows of it. Never inside a transaction: assigning waits for locks, and for a connection,
   * which whoever waits here might hold.
   */
  async admit(
    modules: readonly Module[],
    organization: ActingOrganization,
    userId: string | null,
  ): Promise<Admission> {
    let { licenseVersion } = organization;
    const first = await this.refusal(modules, organization, userId);
    if (!first) return { refusal: undefined, licenseVersion };
    // no seat of one module is taken for a token that another refuses
    const hopeless = userId === null ? first : await this.prospect(modules, organization, userId);
    if (hopeless) return { refusal: hopeless, licenseVersion };
    for (const module of modules) {
      const asked = { id: organization.id, ...(licenseVersion === undefined ? {} : { licenseVersion }) };
      const refusal = await this.refusal([module], asked, userId);
      if (!refusal) continue;
      const taken = userId === null ? undefined : await this.takeSeat(refusal, userId);
      if (typeof taken !== 'number') return { refusal: taken ?? refusal, licenseVersion };
      licenseVersion = Math.max(licenseVersion ?? 0, taken);
      const still = await this.refusal([module], { id: organization.id, licenseVersion }, userId);
      if (still) return { refusal: still, licenseVersion };
    }
    return { refusal: undefined, licenseVersion };
  }

  /** @returns the version since the seat is taken, or why there was none; undefined when nobody gives any */
  private async takeSeat(refusal: Refusal, userId: string): Promise<number | Refusal | undefined> {
    let last: Refusal | undefined;
    for (const licenseId of refusal.openLicenses) {
      try {
        return (await this.seats.assignSeat(licenseId, userId, userId, 'first-use')).version;
      } catch (error) {
        // an answer of the seats: the next license may have one
        if (!(error instanceof PublicError)) throw error;
        if (error.code === 'SEATS_EXHAUSTED' || error.code === 'OVER_ALLOCATED') {
          const seatFreeAt = error instanceof SeatsExhausted ? error.freeAt : null;
          last = { ...refusal, decision: { ...refusal.decision, code: error.code, licenseId }, seatFreeAt };
        }
      }
    }
    return last;
  }
}

/** A license that gives seats at first use and has none left is exhausted, which tells more than that one is needed. */
function refusalOf(module: Module, decision: Decision, first: readonly SnapshotLicense[]): Refusal {
  const at = decision.decidedAt.getTime();
  const open = first.filter((license) => license.seats.length < (termsAt(license, at).seatLimit ?? 0));
  const exhausted = decision.code === 'SEAT_REQUIRED' && first.length > 0 && open.length === 0;
  return {
    module,
    decision: exhausted ? { ...decision, code: 'SEATS_EXHAUSTED' } : decision,
    openLicenses: open.map(({ id }) => id),
  };
}

/** The licenses under which this person would get a seat by coming, if one were free. */
function openTo(
  userId: string | null,
  module: Module,
  snapshot: LicenseSnapshot | undefined,
  now: Date,
): readonly SnapshotLicense[] {
  if (!snapshot || userId === null || snapshot.organization.state === 'suspended') return [];
  const at = now.getTime();
  return snapshot.licenses.filter((license) => {
    const state = licenseState(license, at);
    return (
      license.module === module.key &&
      license.environment === module.environment &&
      license.seatOnFirstUse &&
      (state === 'active' || state === 'grace') &&
      termsAt(license, at).seatModel === 'named' &&
      !license.seats.includes(userId)
    );
  });
}
