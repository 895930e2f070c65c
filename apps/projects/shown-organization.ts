import { ProblemException, type Principal } from '@core-auth/module-kit';
import { organizationOf } from './projects.service.js';

/**
 * A form carries the organization that it was shown for. One session serves all tabs, so a tab that was left open
 * would otherwise write into whatever organization was chosen since. The value is compared, never followed: what is
 * written goes into the token's organization or nowhere.
 */
export function requireShownOrganization(principal: Principal, shown: unknown): void {
  if (shown === organizationOf(principal)) return;
  throw new ProblemException(
    409,
    'ORGANIZATION_SWITCHED',
    'Organization switched',
    'You switched organization in another tab. Reload the page and try again.',
  );
}
