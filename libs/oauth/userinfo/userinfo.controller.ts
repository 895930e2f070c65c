import { Controller, Get, Header, HttpCode, Post } from '@nestjs/common';
import { CurrentToken, RequireScope } from '#platform';
import type { LiveToken } from '../live-tokens.js';
import { InvalidToken } from '../oauth.errors.js';
import { personClaims } from '../token/token-response.js';

/** OpenID Connect Core §5.3 */
@Controller('oauth2/userinfo')
export class UserinfoController {
  @Get()
  @RequireScope('openid')
  @Header('cache-control', 'no-store')
  get(@CurrentToken() { claims, person }: LiveToken): Record<string, string | boolean> {
    if (!person) throw new InvalidToken('the token of a machine');
    return { sub: person.userId, ...personClaims(person, claims.scope.split(' '), person.claims?.userinfo) };
  }

  @Post()
  @HttpCode(200)
  @RequireScope('openid')
  @Header('cache-control', 'no-store')
  post(@CurrentToken() token: LiveToken): Record<string, string | boolean> {
    return this.get(token);
  }
}
