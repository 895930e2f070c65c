import { Controller, Delete, HttpCode, Param, Patch, Post, Req } from '@nestjs/common';
import { isUUID } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import type { LiveToken } from '#oauth';
import { CurrentToken, JsonBody, PublicError, sha256 } from '#platform';
import { Factors, MOST_FACTORS, Passkeys, readFactorName } from '#sessions';
import { PASSKEY_OPTIONS, RECOVERY_CODES } from './account-answers.js';
import { AccountApi } from './account-api-route.js';
import { FACTOR_NAME_RULE, NewPasskeyBody, PasskeyNameBody } from './account-requests.js';
import { removed } from './factor-problems.js';
import { personOf, tokenActor } from './token-person.js';

/** The passkeys of a person, for who holds a recent token of theirs. They are of this server's own origin. */
@Controller('v1/account/factors/passkeys')
export class AccountPasskeysApiController {
  constructor(
    private readonly passkeys: Passkeys,
    private readonly factors: Factors,
  ) {}

  /** For `navigator.credentials.create()` (Web Authentication Level 3 §5.1.9). */
  @Post('options')
  @HttpCode(200)
  @AccountApi('account:security', 'Get the options for a new passkey', {
    recent: true,
    answer: PASSKEY_OPTIONS,
  })
  async options(@CurrentToken() token: LiveToken) {
    return this.passkeys.registrationOptions(personOf(token), ceremonyOf(token));
  }

  @Post()
  @AccountApi('account:security', 'Add a passkey', {
    recent: true,
    body: NewPasskeyBody,
    answer: RECOVERY_CODES,
  })
  async add(
    @JsonBody() { name, credential }: NewPasskeyBody,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ) {
    const person = personOf(token);
    const by = tokenActor(token, request);
    const presented = { response: textOf(credential), browser: ceremonyOf(token) };
    const { kind } = await this.passkeys.register(person, readName(name), presented, by);
    if (kind === 'refused') {
      const sentence =
        'The passkey could not be added: it came too late or was not verified. Ask for options again.';
      throw new PublicError(400, 'passkey_refused', sentence);
    }
    if (kind === 'too-many') {
      const sentence = `The passkey could not be added: it is there already, or there are ${MOST_FACTORS}.`;
      throw new PublicError(409, 'too_many_factors', sentence);
    }
    return { recovery_codes: await this.factors.firstRecoveryCodes(person, by) };
  }

  @Patch(':id')
  @HttpCode(204)
  @AccountApi('account:security', 'Rename a passkey', { recent: true, body: PasskeyNameBody })
  async rename(
    @Param('id') id: string,
    @JsonBody() { name }: PasskeyNameBody,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const by = tokenActor(token, request);
    const there = isUUID(id) && (await this.factors.renamePasskey(personOf(token), id, readName(name), by));
    if (!there) removed({ kind: 'unknown' }, 'passkey');
  }

  @Delete(':id')
  @HttpCode(204)
  @AccountApi('account:security', 'Remove a passkey', { recent: true })
  async remove(
    @Param('id') id: string,
    @CurrentToken() token: LiveToken,
    @Req() request: FastifyRequest,
  ): Promise<void> {
    const by = tokenActor(token, request);
    const removal = isUUID(id)
      ? await this.factors.removePasskey(personOf(token), id, by)
      : ({ kind: 'unknown' } as const);
    removed(removal, 'passkey');
  }
}

/** In place of a browser's cookie: who was given a challenge answers it, by this access to the account. */
function ceremonyOf({ claims }: LiveToken): Buffer {
  return sha256(`authorization|${claims.authorization_id}`);
}

function readName(text: string): string {
  const name = readFactorName(text);
  if (name === undefined) throw new PublicError(400, 'invalid_request', FACTOR_NAME_RULE);
  return name;
}

/** Nothing for what is nested too deeply to be written. */
function textOf(credential: object): string {
  try {
    return JSON.stringify(credential);
  } catch {
    return '';
  }
}
