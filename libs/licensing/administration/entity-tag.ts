import { PublicError } from '#platform';

/** The strong entity tag (RFC 9110 §8.8.3) of a license: its version. */
export function entityTag(version: number): string {
  return `"${version}"`;
}

/**
 * The version that a change was thought of for; undefined for `*`, which is any.
 * @throws PublicError 428 `precondition_required` (RFC 6585 §3); 412 `license_changed_meanwhile` for a tag that none of
 * ours can match, a weak one among them (RFC 9110 §13.1.1); 400 `invalid_request` for a list
 */
export function expectedVersion(ifMatch: string | undefined): number | undefined {
  const tag = ifMatch?.trim();
  if (tag === undefined || tag === '') {
    throw new PublicError(
      428,
      'precondition_required',
      'Send If-Match with the ETag of the license as you have read it.',
    );
  }
  if (tag === '*') return undefined;
  if (tag.includes(',')) throw new PublicError(400, 'invalid_request', 'Send one entity tag in If-Match.');
  const [, digits] = /^"([1-9]\d{0,14}|0)"$/.exec(tag) ?? [];
  if (digits === undefined) {
    throw new PublicError(
      412,
      'license_changed_meanwhile',
      'No license has had this entity tag. Read the license again and send the ETag as it comes.',
    );
  }
  return Number(digits);
}

/** RFC 9110 §13.1.2: `*` or a list of entity tags, compared weakly. */
export function matchesTag(ifNoneMatch: string | undefined, tag: string): boolean {
  const presented = ifNoneMatch?.split(',').map((one) => one.trim().replace(/^W\//, '')) ?? [];
  return presented.some((one) => one === '*' || one === tag);
}
