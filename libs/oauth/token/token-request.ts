import { Transform } from 'class-transformer';
import { ArrayMaxSize, IsOptional, IsString, Matches, MaxLength } from 'class-validator';

/**
 * Parameters of RFC 6749 §4.1.3, §4.4.2 and §6, RFC 8628 §3.4, RFC 8693 §2.1 and RFC 8707 §2.2; others are ignored
 * (RFC 6749 §3.2). One sent twice is no string; only `resource` and `audience` may come several times.
 */
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
  // RFC 6749 appendix A.6
  @Matches(/^\P{Cc}*$/u, { message: 'redirect_uri holds a control character.' })
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

  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))
  @ArrayMaxSize(10, { message: 'Too many resources were asked for.' })
  @IsString({ each: true, message: 'resource must be a URI.' })
  @MaxLength(2048, { each: true, message: 'resource is too long.' })
  resource?: string[];

  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))
  @ArrayMaxSize(10, { message: 'Too many audiences were asked for.' })
  @IsString({ each: true, message: 'audience must be text.' })
  @MaxLength(2048, { each: true, message: 'audience is too long.' })
  audience?: string[];

  @IsOptional()
  @IsString({ message: 'device_code must be sent exactly once.' })
  @MaxLength(1024, { message: 'device_code is too long.' })
  device_code?: string;

  @IsOptional()
  @IsString({ message: 'subject_token must be sent exactly once.' })
  @MaxLength(8192, { message: 'subject_token is too long.' })
  subject_token?: string;

  @IsOptional()
  @IsString({ message: 'subject_token_type must be sent exactly once.' })
  @MaxLength(256, { message: 'subject_token_type is too long.' })
  subject_token_type?: string;

  @IsOptional()
  @IsString({ message: 'actor_token must be sent exactly once.' })
  @MaxLength(8192, { message: 'actor_token is too long.' })
  actor_token?: string;

  @IsOptional()
  @IsString({ message: 'actor_token_type must be sent exactly once.' })
  @MaxLength(256, { message: 'actor_token_type is too long.' })
  actor_token_type?: string;

  @IsOptional()
  @IsString({ message: 'requested_token_type must be sent exactly once.' })
  @MaxLength(256, { message: 'requested_token_type is too long.' })
  requested_token_type?: string;
}
