import { IsOptional, IsString } from 'class-validator';

/** What every form carries; a controller looks at it before anything else. */
export class CsrfForm {
  @IsOptional()
  @IsString({ message: 'csrf_token must be sent once.' })
  csrf_token?: string;
}

/** The secret of a link that was mailed. */
export class TokenQuery {
  @IsOptional()
  @IsString({ message: 'token must be sent once.' })
  token?: string;
}

/** The form on the page that such a link leads to. */
export class TokenForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'token must be sent once.' })
  token?: string;
}

/** An address that a mail goes to. */
export class EmailForm extends CsrfForm {
  @IsOptional()
  @IsString({ message: 'email must be sent once.' })
  email?: string;
}
