import type { Role } from './account.js';

/** Somebody of an organization, as those see it who run it. */
export interface Member {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly customRole: { readonly id: string; readonly name: string } | null;
  readonly joinedAt: Date;
  readonly disabledAt: Date | null;
  /** Whether they have one. */
  readonly secondFactor: boolean;
}

export interface MemberPage {
  readonly members: readonly Member[];
  /** Where the next page begins, as it is asked for. */
  readonly next: string | undefined;
}

export interface MemberFilter {
  /** A part of the name or the address. */
  readonly search?: string | undefined;
  /** As the page before told it. */
  readonly after?: string | undefined;
  /** 1 to 100; or everybody as of one moment, so that no change meanwhile leaves somebody out. */
  readonly limit: number | 'all';
}
