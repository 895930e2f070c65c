import { IsObject, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

export const FACTOR_NAME_RULE = 'name must be a text of 1 to 60 characters, such as “Work laptop”.';
/** Of any text before its own rules have put it in order and judged it. */
const LONGEST = 1024;
const NAME_RULE = 'name must be a text of 1 to 100 characters.';

export class NameBody {
  @IsString({ message: NAME_RULE })
  @MaxLength(LONGEST, { message: NAME_RULE })
  name!: string;
}

/** In the place of an organization: what was allowed for none. */
export const NO_ORGANIZATION = 'none';
/** An organization, or none. */
export const FOR_WHICH = /^(none|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$/;

export class RevocationQuery {
  /** For this organization alone, or for `none`; wherever it is unless told. */
  @IsOptional()
  @Matches(FOR_WHICH, { message: 'organization_id must be an organization, or none.' })
  organization_id?: string;
}

export class CurrentPasswordBody {
  @IsString({ message: 'current_password must be a text.' })
  @MaxLength(LONGEST, { message: `current_password must be a text of at most ${LONGEST} characters.` })
  current_password!: string;
}

export class PasswordBody extends CurrentPasswordBody {
  @IsString({ message: 'password must be a text.' })
  @MaxLength(LONGEST, { message: `password must be a text of at most ${LONGEST} characters.` })
  password!: string;
}

export class AddressBody extends CurrentPasswordBody {
  @IsString({ message: 'email must be a text.' })
  @MaxLength(LONGEST, { message: `email must be a text of at most ${LONGEST} characters.` })
  email!: string;
}

export class ConfirmationBody {
  @IsString({ message: 'offer must be the text that came with the secret.' })
  @MaxLength(LONGEST, { message: 'offer must be the text that came with the secret.' })
  offer!: string;

  @IsString({ message: 'code must be a text of six digits.' })
  @MaxLength(256, { message: 'code must be a text of six digits.' })
  code!: string;
}

export class PasskeyNameBody {
  @IsString({ message: FACTOR_NAME_RULE })
  @MaxLength(LONGEST, { message: FACTOR_NAME_RULE })
  name!: string;
}

export class NewPasskeyBody extends PasskeyNameBody {
  @IsObject({ message: 'credential must be the credential that the browser made, as JSON.' })
  credential!: object;
}
