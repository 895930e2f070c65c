import type { FeatureValue, LicenseStatus, SeatModel } from '@core-auth/module-kit/licensing';
import { IsBoolean, IsIn, IsInt, IsOptional, IsUUID, Matches, Max, MaxLength, Min } from 'class-validator';
import { IsCatalogKey, IsCount, IsFeatureValue, IsInstant, IsReason } from './request.js';

const STATUSES = ['draft', 'issued', 'suspended', 'cancelled', 'revoked'] as const;
const SEAT_MODELS = ['named', 'floating', 'unlimited'] as const;
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const dayMessage = { message: 'last_day must be a day such as 2027-12-31' };

export class CursorQuery {
  /** `next_cursor` of the page before. */
  @IsOptional()
  @IsUUID()
  cursor?: string;

  @IsOptional()
  @IsCount()
  limit?: string;
}

export class LicenseListQuery extends CursorQuery {
  @IsOptional()
  @IsUUID()
  organization_id?: string;

  @IsOptional()
  @IsCatalogKey()
  module?: string;

  @IsOptional()
  @IsIn(STATUSES)
  status?: LicenseStatus;

  @IsOptional()
  @IsInstant()
  ending_before?: string;
}

/** Of a request that changes a license. */
export class Reasoned {
  @IsOptional()
  @IsReason()
  reason?: string | null;
}

export class NewLicenseBody extends Reasoned {
  @IsUUID()
  organization_id!: string;

  @IsCatalogKey()
  module!: string;

  @IsUUID()
  plan_version_id!: string;

  @IsInstant()
  starts_at!: string;

  @IsOptional()
  @IsInstant()
  ends_at?: string | null;

  @IsOptional()
  @Matches(DAY, dayMessage)
  last_day?: string | null;

  @IsOptional()
  @MaxLength(64)
  @Matches(/^[A-Za-z][\w+/-]*$/, { message: 'time_zone must be an IANA name such as Europe/Berlin' })
  time_zone?: string | null;

  @IsOptional()
  @Matches(/^[a-z][a-z0-9-]{0,62}$/, { message: 'environment must be a name such as production' })
  environment?: string | null;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(3650)
  grace_days?: number | null;

  @IsIn(SEAT_MODELS)
  seat_model!: SeatModel;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  seat_limit?: number | null;

  @IsOptional()
  @IsIn(['refuse', 'allow'])
  overage?: 'refuse' | 'allow' | null;

  @IsOptional()
  @IsBoolean()
  seat_on_first_use?: boolean | null;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(31_536_000)
  seat_cooldown_seconds?: number | null;

  @IsOptional()
  @IsInt()
  @Min(30)
  @Max(86_400)
  lease_seconds?: number | null;

  @IsOptional()
  @IsBoolean()
  draft?: boolean | null;
}

export class StatusBody extends Reasoned {
  @IsIn(STATUSES.filter((status) => status !== 'draft'))
  status!: LicenseStatus;
}

export class RenewalBody extends Reasoned {
  @IsOptional()
  @Matches(DAY, dayMessage)
  last_day?: string | null;

  /** Null is without an end. */
  @IsOptional()
  @IsInstant()
  ends_at?: string | null;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(3650)
  grace_days?: number | null;

  @IsOptional()
  @IsBoolean()
  shorten?: boolean | null;

  /** Makes a trial a paid license. */
  @IsOptional()
  @IsBoolean()
  convert_trial?: boolean | null;
}

export class TermsBody extends Reasoned {
  @IsOptional()
  @IsUUID()
  plan_version_id?: string | null;

  @IsOptional()
  @IsIn(SEAT_MODELS)
  seat_model?: SeatModel | null;

  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  seat_limit?: number | null;

  @IsOptional()
  @IsInstant()
  effective_at?: string | null;

  @IsOptional()
  @IsInstant()
  surplus_until?: string | null;
}

export class OverrideBody extends Reasoned {
  /** Of the feature's type, or null for unlimited; left out when the feature is removed. */
  @IsOptional()
  @IsFeatureValue()
  value?: FeatureValue;

  @IsOptional()
  @IsBoolean()
  removed?: boolean | null;

  @IsInstant()
  starts_at!: string;

  @IsOptional()
  @IsInstant()
  ends_at?: string | null;
}

export class RemoveOverrideQuery extends Reasoned {
  /** Of the override that is meant, where the feature has several. */
  @IsOptional()
  @IsInstant()
  starts_at?: string;
}

export class EndOverrideBody extends Reasoned {
  @IsOptional()
  @IsInstant()
  ends_at?: string | null;
}
