import { describe, expect, it } from '@jest/globals';
import { acrDemand } from './acr-demand.js';

const PASSWORD = ['pwd'];
const BOTH = ['pwd', 'otp', 'mfa'];

const ask = (request: { essential?: string[]; voluntary?: string[]; acrValues?: string[] }) => ({
  acrValues: request.acrValues ?? [],
  claims: {
    id_token: {
      ...(request.essential ? { acr: { essential: true, values: request.essential } } : {}),
      ...(request.voluntary ? { acr: { values: request.voluntary } } : {}),
    },
  },
});

describe('what a client asks for beyond the class that was reached', () => {
  it.each([
    ['OpenID Connect Core §5.5.1.1: an essential class', { essential: ['aal2'] }, 'essential'],
    ['§5.5.1.1: one of several that was reached', { essential: ['aal2', 'aal1'] }, undefined],
    ['§5.5.1.1: essential classes of which none is known', { essential: ['phr', 'loa4'] }, 'unreachable'],
    ['§5.5.1: a voluntary class', { voluntary: ['aal2'] }, 'wished'],
    ['§3.1.2.1: acr_values in order of preference', { acrValues: ['aal2', 'aal1'] }, 'wished'],
    ['§3.1.2.1: acr_values whose first was reached', { acrValues: ['aal1', 'aal2'] }, undefined],
    [
      '§3.1.2.1: acr_values of which the first that is known counts',
      { acrValues: ['phr', 'aal2'] },
      'wished',
    ],
    ['§3.1.2.1: acr_values of which none is known', { acrValues: ['phr'] }, undefined],
    ['no class at all', {}, undefined],
  ] as const)('%s: %j', (_, request, demand) => {
    const asked = ask(request as Parameters<typeof ask>[0]);
    expect(acrDemand(asked, PASSWORD)).toBe(demand);
    expect(acrDemand(asked, BOTH)).toBe(demand === 'unreachable' ? 'unreachable' : undefined);
  });
});
