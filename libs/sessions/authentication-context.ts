/** Authentication context classes, weakest first; they stand for the assurance levels of NIST SP 800-63B. */
export const ACR_VALUES = ['aal1', 'aal2'] as const;
export type Acr = (typeof ACR_VALUES)[number];

/** Methods of RFC 8176 that prove more than one factor. */
const SEVERAL_FACTORS = ['mfa'];

/** The class that an authentication by these methods (RFC 8176) reached. */
export function acrOf(amr: readonly string[]): Acr {
  return SEVERAL_FACTORS.some((method) => amr.includes(method)) ? 'aal2' : 'aal1';
}

/** The strongest of the accepted classes that an authentication reached, or undefined when it reached none. */
export function reachedAcr(amr: readonly string[], accepted: readonly unknown[]): Acr | undefined {
  const reached = ACR_VALUES.slice(0, ACR_VALUES.indexOf(acrOf(amr)) + 1);
  return reached.findLast((acr) => accepted.includes(acr));
}
