import { ACR_VALUES, reachedAcr } from '#sessions';
import type { AuthorizationRequest } from './authorization-request.js';
import { acceptedValues } from './claims-request.js';

/** How much a client wants an authentication of a higher class than was reached. */
export type AcrDemand =
  /** Without it there is nothing. */
  | 'essential'
  /** It would rather have it. */
  | 'wished'
  /** It accepts nothing that this server knows. */
  | 'unreachable';

/**
 * What a request asks for beyond an authentication by these methods (RFC 8176); undefined when it asks for no more. An
 * essential `acr` claim is a demand (OpenID Connect Core §5.5.1.1); a voluntary one, and `acr_values`, are a wish, the
 * most preferred first (§3.1.2.1, §5.5.1).
 */
export function acrDemand(
  { claims, acrValues }: Pick<AuthorizationRequest, 'claims' | 'acrValues'>,
  amr: readonly string[],
): AcrDemand | undefined {
  const asked = claims?.id_token?.['acr'];
  const accepted = acceptedValues(asked);
  if (asked?.essential && accepted) {
    if (reachedAcr(amr, accepted)) return undefined;
    return ACR_VALUES.some((acr) => accepted.includes(acr)) ? 'essential' : 'unreachable';
  }
  const preferred = [...(accepted ?? []), ...acrValues].find((value) =>
    ACR_VALUES.some((acr) => acr === value),
  );
  return preferred === undefined || reachedAcr(amr, [preferred]) ? undefined : 'wished';
}
