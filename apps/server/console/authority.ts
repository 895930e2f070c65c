import type { Administrator } from '#accounts';
import { mayAdminister, type LicensingAction } from '#licensing';
import { PublicError } from '#platform';

/** @throws PublicError 403 `access_denied` */
export function requireAuthority(
  action: LicensingAction,
  actor: Administrator,
  organizationId: string | null,
): void {
  if (mayAdminister(action, actor, organizationId)) return;
  throw new PublicError(
    403,
    'access_denied',
    LICENSE_FILES.has(action)
      ? 'License files are issued and taken back by the operators of this service. Ask one of them.'
      : 'Licenses are administered by owners and administrators of your organization. Ask one of them.',
  );
}

const LICENSE_FILES: ReadonlySet<LicensingAction> = new Set(['offline:write']);
