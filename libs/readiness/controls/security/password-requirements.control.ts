import { passwordProblem } from '#accounts';
import { failed, minutes, seconds, verified, type Control } from '../../control.js';

const refused: readonly [string, string][] = [
  ['a password of 7 characters', 'k3#Vq9t'],
  ['a password from the lists that attackers try first', '123456789012345'],
  ['a password from such a list, typed twice', 'passwordpassword'],
  ["a password of the product's own words", 'core-auth-core-auth'],
];
const ACCEPTED = 'ährenfeld Ω 雲 '.repeat(5).slice(0, 64);

/** Asks the policy itself, as every form does; nothing is stored. */
export function passwordRequirementsOf(policy: (password: string) => string | undefined): Control {
  return {
    id: 'security.auth.password-requirements',
    kind: 'probe',
    timeout: seconds(2),
    interval: minutes(60),
    async verify() {
      const accepted = refused.filter(([, password]) => policy(password) === undefined).map(([what]) => what);
      if (accepted.length > 0) {
        return failed(
          `refused: ${refused.map(([what]) => what).join('; ')}`,
          `accepted: ${accepted.join('; ')}`,
          'deploy a build whose password policy has a blocklist and context words (libs/accounts/password-policy.ts)',
        );
      }
      if (policy(ACCEPTED) !== undefined) {
        return failed(
          '64 characters of Unicode accepted',
          'refused',
          'raise the longest password to 64 characters or more',
        );
      }
      return verified(`${refused.length} weak passwords refused, 64 characters of Unicode accepted`);
    },
  };
}

export const passwordRequirements = passwordRequirementsOf(passwordProblem);
