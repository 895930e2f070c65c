import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsDivisibleBy,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  IsUUID,
  Matches,
  MaxLength,
  ValidateIf,
} from 'class-validator';
import type { Role } from '#accounts';

/** The largest page of every list. */
export const PAGE = 100;

const ROLES = ['owner', 'administrator', 'billing', 'member'] as const satisfies readonly Role[];
const LONGEST_TEXT = 1000;

export class PageQuery {
  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsString()
  @MaxLength(2048)
  cursor?: string;

  @IsOptional()
  @Matches(/^([1-9]\d?|100)$/, { message: `limit must be a whole number from 1 to ${PAGE}` })
  limit?: string;
}

export class PeopleQuery extends PageQuery {
  /** A part of a name or an address. */
  @IsOptional()
  @MaxLength(100)
  @Matches(/^\P{Cc}*$/u, { message: 'search must be a part of a name' })
  search?: string;
}

export class OrganizationBody {
  @IsString()
  @MaxLength(LONGEST_TEXT)
  name!: string;

  /** Made from the name unless told. */
  @IsOptional()
  @IsString()
  @MaxLength(LONGEST_TEXT)
  key?: string | null;
}

export class NameBody {
  @IsString()
  @MaxLength(LONGEST_TEXT)
  name!: string;

  @IsString()
  @MaxLength(LONGEST_TEXT)
  key!: string;
}

export class RoleBody {
  @IsIn(ROLES)
  role!: Role;

  /** One of the organization's own roles, beside `member`. */
  @IsOptional()
  @IsUUID()
  custom_role_id?: string | null;
}

export class InvitationBody extends RoleBody {
  @IsString()
  @MaxLength(LONGEST_TEXT)
  email!: string;

  /** Of which a seat is kept. */
  @IsOptional()
  @IsUUID()
  license_id?: string | null;
}

export class AcceptanceBody {
  /** Of the link that was mailed. */
  @IsString()
  @MaxLength(LONGEST_TEXT)
  token!: string;
}

export class CustomRoleBody {
  @IsString()
  @MaxLength(LONGEST_TEXT)
  name!: string;

  /** As they stand in tokens: `projects:archive`. */
  @IsArray()
  @ArrayMaxSize(200)
  @IsString({ each: true })
  @MaxLength(200, { each: true })
  permissions!: string[];
}

export class SecondFactorBody {
  @IsBoolean()
  required!: boolean;
}

const minutes = '$property must be whole minutes, in seconds: a multiple of 60.';

const orNull = ValidateIf((_, value: unknown) => value !== null);

/**
 * Whole minutes, as the page shows them; null where the deployment's setting holds alone. Both have to be said: a limit
 * that was only left out is not lifted.
 */
export class SessionLimitsBody {
  @orNull
  @IsInt()
  @IsDivisibleBy(60, { message: minutes })
  idle_seconds!: number | null;

  @orNull
  @IsInt()
  @IsDivisibleBy(60, { message: minutes })
  absolute_seconds!: number | null;
}
