import { IsOptional, IsString, MaxLength } from 'class-validator';

/** Parameters of RFC 6749 §4.1.3, §4.4.2 and §6; others are ignored (§3.2). One sent twice is no string. */
export class TokenRequest {
  @IsOptional()
  @IsString({ message: 'grant_type must be sent exactly once.' })
  @MaxLength(256, { message: 'grant_type is too long.' })
  grant_type?: string;

  @IsOptional()
  @IsString({ message: 'code must be sent exactly once.' })
  @MaxLength(1024, { message: 'code is too long.' })
  code?: string;

  @IsOptional()
  @IsString({ message: 'redirect_uri must be sent exactly once.' })
  @MaxLength(2048, { message: 'redirect_uri is too long.' })
  redirect_uri?: string;

  @IsOptional()
  @IsString({ message: 'code_verifier must be sent exactly once.' })
  @MaxLength(1024, { message: 'code_verifier is too long.' })
  code_verifier?: string;

  @IsOptional()
  @IsString({ message: 'refresh_token must be sent exactly once.' })
  @MaxLength(1024, { message: 'refresh_token is too long.' })
  refresh_token?: string;

  @IsOptional()
  @IsString({ message: 'scope must be sent exactly once.' })
  @MaxLength(4096, { message: 'scope is too long.' })
  scope?: string;
}
