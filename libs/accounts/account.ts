export type Role = 'owner' | 'administrator' | 'member' | 'billing';

export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly disabledAt: Date | null;
}

export interface SignInAccount extends User {
  /** Undefined for who has no password. */
  readonly passwordHash: string | undefined;
  /** Whether signing in with the password asks this person for more. */
  readonly hasSecondFactor: boolean;
  /** Whether it is known if the password is short; a hash does not tell. */
  readonly passwordLengthKnown: boolean;
}

export interface NewUser {
  /** A random UUID unless told. */
  readonly id?: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  /** Whether whoever creates it vouches that the address is the person's; false unless told. */
  readonly emailVerified?: boolean;
}

export interface Organization {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly suspendedAt: Date | null;
}

export interface NewOrganization {
  /** A random UUID unless told. */
  readonly id?: string;
  readonly key: string;
  readonly name: string;
}

/** A role that an organization made of permissions, as whoever holds it has it. */
export interface HeldCustomRole {
  readonly key: string;
  readonly name: string;
  /** As they stand in tokens: `projects:archive`. */
  readonly permissions: readonly string[];
}

/** An organization as one of its members sees it. */
export interface Membership extends Organization {
  readonly role: Role;
  /** In place of what a member may do in modules. */
  readonly customRole: HeldCustomRole | null;
}

export interface NewMember {
  readonly userId: string;
  readonly organizationId: string;
  readonly role: Role;
}

/** Somebody who can buy a license or assign a seat. */
export interface Contact {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

/** What a person may administer by what they are. */
export interface Administrator {
  /** Of the seller, who administers every organization. */
  readonly operator: boolean;
  /** By organization id. */
  readonly roles: ReadonlyMap<string, Role>;
}

export interface Operator {
  readonly email: string;
  readonly name: string;
  readonly disabledAt: Date | null;
  readonly secondFactor: boolean;
}
