import { describe, expect, it } from '@jest/globals';
import { unknownSettings } from './read-environment.js';

const known = [
  { name: 'CORE_AUTH_SESSION_IDLE' },
  { name: 'CORE_AUTH_SESSION_ABSOLUTE' },
  { name: 'CORE_AUTH_URL' },
  { name: 'CORE_AUTH_KEYS', secret: true },
];
const said = (name: string) => unknownSettings({ [name]: '1' }, known, 'CORE_AUTH_', 'PROJECTS_')[0];

describe('an unknown setting', () => {
  it.each([
    ['CORE_AUTH_SESION_IDLE', 'CORE_AUTH_SESSION_IDLE'],
    ['CORE_AUTH_SESSION_IDEL', 'CORE_AUTH_SESSION_IDLE'],
    ['CORE_AUTH_SESSION_IDLEXX', 'CORE_AUTH_SESSION_IDLE'],
    ['CORE_AUTH_SESSIONIDLE', 'CORE_AUTH_SESSION_IDLE'],
    ['CORE_AUTH_ULR', 'CORE_AUTH_URL'],
    ['CORE_AUTH_KEY_FILE', 'CORE_AUTH_KEYS_FILE'],
    ['CORE_AUTH_URL_OF_SERVER', 'CORE_AUTH_URL'],
  ])('%s may have meant %s', (name, meant) => {
    expect(said(name)).toBe(`${name} is not a setting; did you mean ${meant}?`);
  });

  it('that is three edits away from any is not guessed at', () => {
    expect(said('CORE_AUTH_SESIN_IDLX')).not.toContain('did you mean');
    expect(said('CORE_AUTH_NONSENSE')).toBe('CORE_AUTH_NONSENSE is not a setting');
  });

  it('is looked for under every prefix, and under no other', () => {
    expect(said('PROJECTS_COLOR')).toBe('PROJECTS_COLOR is not a setting');
    expect(said('REPORTS_COLOR')).toBeUndefined();
  });
});
