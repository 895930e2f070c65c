import { createHash, randomUUID } from 'node:crypto';
import type { KitClock } from '../clock.js';
import type { Principal } from '../guards/principal.js';
import { CoreAuthRefusal, CoreAuthUnavailable, type CoreAuthClient } from '../http/core-auth.client.js';
import { sentUrl, type KitCall } from '../http/http-types.js';
import { checkUnavailable, ProblemException } from '../http/problem.exception.js';
import type { LicenseChecker } from '../licenses/license-checker.js';
import { httpStatusOfDecision, type DecisionCode } from '../licensing/index.js';
import { quotaHeaders, readUse, type Use } from './use.js';

const CODES: ReadonlySet<string> = new Set(Object.keys(httpStatusOfDecision));
/** A lost answer is asked for once more: under the same key it counts once. */
const ATTEMPTS = 2;
/** RFC 9110 section 9.2.1: what asks for these means to change nothing, so that nobody need repeat it under a key. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);
const LONGEST_KEY = 255;

/** Counts uses of metered features at Core Auth, before what is used is given. */
export class UsageRecorder {
  constructor(
    private readonly client: CoreAuthClient,
    private readonly licenses: LicenseChecker,
    private readonly clock: KitClock,
  ) {}

  /**
   * Counts a use, all of it or nothing. What the process knows of the license is decided first, which costs no call when
   * it denies. Fails closed: when Core Auth cannot be asked the answer is `CHECK_UNAVAILABLE`, never an allow.
   *
   * @param amount a whole number from 1 up
   * @param idempotencyKey the same key with the same use counts once, and says `replayed` from the second time on; a
   * fresh one when absent
   * @throws ProblemException 409 `IDEMPOTENCY_KEY_REUSED` for a key that was sent with another use
   * @throws Error when the module has no such metered feature
   */
  async record(
    principal: Principal,
    feature: string,
    amount = 1,
    idempotencyKey: string = randomUUID(),
  ): Promise<Use> {
    if (!Number.isSafeInteger(amount) || amount < 1) {
      throw new RangeError(`amount must be a whole number from 1 up, not ${amount}`);
    }
    const decision = await this.licenses.decide(principal, { feature, amount: 0 });
    const organization = principal.organization;
    if (!decision.allow || !organization) return unknown(feature, decision.code);
    const use = {
      organization_id: organization.id,
      user_id: principal.user?.id ?? null,
      feature,
      amount,
      // by which Core Auth tells our own second attempt from somebody who comes again with the key
      request_id: randomUUID(),
    };
    const told = await this.tell(use, idempotencyKey);
    const answer = readUse(told, feature, CODES) ?? unknown(feature, 'CHECK_UNAVAILABLE');
    this.licenses.counts.add(answer.code, told === undefined ? 'none' : 'server');
    return answer;
  }

  /**
   * `record`, before what is used is given: throws the refusal, 429 `QUOTA_EXCEEDED`, 403 with the decision's code, or 503
   * `CHECK_UNAVAILABLE`; and 409 `ALREADY_COUNTED` for a key that was counted before, so that one count gives one use.
   */
  async require(
    principal: Principal,
    feature: string,
    amount?: number,
    idempotencyKey?: string,
  ): Promise<Use> {
    const use = await this.record(principal, feature, amount, idempotencyKey);
    if (use.replayed) throw alreadyCounted();
    if (use.allow) return use;
    const { code, limit } = use;
    const refusal = this.licenses.refusal({ code, ...(limit === null ? {} : { limit }) }, principal, {
      feature,
    });
    const members = use.used === null ? {} : { used: use.used };
    throw new ProblemException(refusal.status, refusal.code, refusal.title, refusal.detail, {
      headers: { ...refusal.extras.headers, ...this.headers(use) },
      members: { ...refusal.extras.members, ...members },
    });
  }

  /** What is left, for the answer's headers. */
  headers(use: Use): Readonly<Record<string, string>> {
    return quotaHeaders(use, this.clock.now());
  }

  /**
   * The idempotency key of a request: its own `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header), bound to who
   * asks for what at which address with which body, so that it counts for nothing else. A body that was not parsed, or that
   * has no form to compare, is not bound. A safe method takes none: whoever may read
   * again and again under one key would read for nothing.
   * @returns undefined when the request brings none
   * @throws ProblemException 400 `INVALID_IDEMPOTENCY_KEY`
   */
  keyOf(request: KitCall, principal: Principal, feature: string): string | undefined {
    const given = request.headers['idempotency-key'];
    if (given === undefined || SAFE.has(request.method)) return undefined;
    if (typeof given !== 'string' || given === '' || given.length > LONGEST_KEY || given.includes(',')) {
      throw new ProblemException(
        400,
        'INVALID_IDEMPOTENCY_KEY',
        'Malformed request',
        `Idempotency-Key is sent once and has 1 to ${LONGEST_KEY} characters, none of them a comma.`,
      );
    }
    const bound = [
      principal.organization?.id,
      principal.subject,
      feature,
      request.method,
      sentUrl(request),
      digestOf(request.body),
      given,
    ];
    return createHash('sha256').update(JSON.stringify(bound)).digest('base64url');
  }

  /** Undefined when Core Auth does not answer, or refuses to answer this client. */
  private async tell(use: Readonly<Record<string, unknown>>, key: string): Promise<unknown> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      try {
        return await this.client.recordUse(use, key);
      } catch (error) {
        if (error instanceof CoreAuthUnavailable) continue;
        if (!(error instanceof CoreAuthRefusal)) throw error;
        if (error.code === 'idempotency_key_reused') throw keyReused();
        // the module asks for what its catalog does not have: an error of its makers, who are to hear of it
        if (error.code === 'not_metered' || error.code === 'unknown_feature') {
          throw new Error(`The module has no metered feature ${String(use['feature'])}`, { cause: error });
        }
        throw checkUnavailable('Use cannot be counted right now. Try again in a moment.');
      }
    }
    return undefined;
  }
}

function unknown(feature: string, code: DecisionCode): Use {
  const nothing = { used: null, limit: null, remaining: null, periodEndsAt: null };
  return { allow: false, code, feature, ...nothing, replayed: false };
}

/** Of a body as it was parsed, or its bytes; undefined of one that cannot be written down. */
function digestOf(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  try {
    const text = typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body);
    return createHash('sha256').update(text).digest('base64url');
  } catch {
    return undefined;
  }
}

function alreadyCounted(): ProblemException {
  return new ProblemException(
    409,
    'ALREADY_COUNTED',
    'Done before',
    'A request with this idempotency key was counted already. See what came of it, or send a new one under a new key.',
  );
}

function keyReused(): ProblemException {
  return new ProblemException(
    409,
    'IDEMPOTENCY_KEY_REUSED',
    'Key used before',
    'This idempotency key was sent with another request. Each use has a key of its own.',
  );
}
