/** One member of the `claims` parameter (OpenID Connect Core §5.5.1); null asks for the claim in the default manner. */
export interface ClaimRequest {
  readonly essential?: boolean;
  readonly value?: unknown;
  readonly values?: readonly unknown[];
}

/** The `claims` parameter (OpenID Connect Core §5.5): which claims are asked for, and where. */
export interface ClaimsRequest {
  readonly id_token?: Readonly<Record<string, ClaimRequest | null>>;
  readonly userinfo?: Readonly<Record<string, ClaimRequest | null>>;
}

/** Claims that can be asked for one by one, with the scope that they otherwise come with. */
export const REQUESTABLE_CLAIMS: Readonly<Record<string, string | undefined>> = {
  name: 'profile',
  email: 'email',
  email_verified: 'email',
  acr: undefined,
  auth_time: undefined,
  sub: undefined,
};

const MAX_CLAIMS = 50;

/** NUL, which PostgreSQL keeps in no text, the other control characters, and halves of a character. */
const UNFIT = /[\p{Cc}\p{Cs}]/u;

/** @returns undefined when the text is no claims request */
export function parseClaimsRequest(text: string): ClaimsRequest | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text, (name, value: unknown) => {
      if (UNFIT.test(name) || (typeof value === 'string' && UNFIT.test(value)))
        throw new SyntaxError('a text that cannot be kept');
      return value;
    });
  } catch {
    return undefined;
  }
  if (!isObject(parsed)) return undefined;
  const { id_token: idToken, userinfo } = parsed;
  const members = { id_token: readMembers(idToken), userinfo: readMembers(userinfo) };
  if (members.id_token === undefined || members.userinfo === undefined) return undefined;
  return { id_token: members.id_token, userinfo: members.userinfo };
}

function readMembers(value: unknown): Record<string, ClaimRequest | null> | undefined {
  if (value === undefined || value === null) return {};
  if (!isObject(value) || Object.keys(value).length > MAX_CLAIMS) return undefined;
  const members: Record<string, ClaimRequest | null> = {};
  for (const [name, request] of Object.entries(value)) {
    if (request !== null && !isClaimRequest(request)) return undefined;
    // §5.5: what is not understood is ignored
    if (Object.hasOwn(REQUESTABLE_CLAIMS, name)) members[name] = request;
  }
  return members;
}

function isClaimRequest(value: unknown): value is ClaimRequest {
  if (!isObject(value)) return false;
  const { essential, values } = value;
  return (
    (essential === undefined || typeof essential === 'boolean') &&
    (values === undefined || (Array.isArray(values) && values.length <= MAX_CLAIMS))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Those claims alone whose scope is among `scopes`, or which need none: §5.5 lets a server give fewer. */
export function claimsWithin(claims: ClaimsRequest, scopes: readonly string[]): ClaimsRequest {
  const within = (members: ClaimsRequest['userinfo'] = {}) =>
    Object.fromEntries(
      Object.entries(members).filter(([name]) => {
        const scope = REQUESTABLE_CLAIMS[name];
        return scope === undefined || scopes.includes(scope);
      }),
    );
  return { id_token: within(claims.id_token), userinfo: within(claims.userinfo) };
}

/** The values that a claim may have to satisfy its request; undefined when any will do. */
export function acceptedValues(request: ClaimRequest | null | undefined): readonly unknown[] | undefined {
  if (!request) return undefined;
  if (request.values !== undefined) return request.values;
  return request.value === undefined ? undefined : [request.value];
}

/** The scopes whose consent covers the claims that were asked for one by one. */
export function scopesOfClaims(claims: ClaimsRequest | undefined): string[] {
  const names = [...Object.keys(claims?.id_token ?? {}), ...Object.keys(claims?.userinfo ?? {})];
  return names.flatMap((name) => REQUESTABLE_CLAIMS[name] ?? []);
}
