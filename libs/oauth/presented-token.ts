import { IsString, MaxLength } from 'class-validator';

/** RFC 7662 §2.1, RFC 7009 §2.1: the hint is not needed, since a token tells its own type. */
export class PresentedToken {
  @IsString({ message: 'token must be sent exactly once.' })
  @MaxLength(8192, { message: 'token is too long.' })
  token!: string;
}
