import { describe, expect, it } from '@jest/globals';
import { scopeDescriptions } from './scope-descriptions.js';

describe('scope descriptions', () => {
  it('say what each value of a scope parameter allows, once', () => {
    expect(scopeDescriptions('openid projects:read  projects:read audit-log:export', new Map())).toEqual([
      { scope: 'openid', summary: 'Know that it is you who signs in' },
      { scope: 'projects:read', summary: 'See what your organization keeps in Projects' },
      { scope: 'audit-log:export', summary: 'Use “export” in Audit log' },
    ]);
  });

  it('say what the scopes of a person’s own account allow', () => {
    const all = 'account:read account:write account:security';
    expect(scopeDescriptions(all, new Map([['account', 'Accounting']]))).toEqual([
      {
        scope: 'account:read',
        summary: 'See your account, how you sign in, your sessions, and the applications that you use',
      },
      {
        scope: 'account:write',
        summary:
          'Change your name, end your sessions, end the access of applications, and, as long as it is for no organization, create or join one',
      },
      {
        scope: 'account:security',
        summary:
          'Change your password, your e-mail address, and what else you sign in with, take out all of your data, and delete your account',
      },
    ]);
  });

  it('name the end of an organization and the export of its data', () => {
    expect(scopeDescriptions('organization:read organization:write')).toEqual([
      { scope: 'organization:read', summary: expect.stringContaining('take out all of its data') },
      { scope: 'organization:write', summary: expect.stringContaining('delete it') },
    ]);
  });

  it('use the name of a module when it is known, and stay honest about what they do not know', () => {
    expect(scopeDescriptions('crm:write', new Map([['crm', 'Customer desk']]))[0]?.summary).toBe(
      'Create and change things in Customer desk on your behalf',
    );
    expect(scopeDescriptions('constructor a:toString a:b:c').map(({ summary }) => summary)).toEqual([
      'Use the permission “constructor”',
      'Use “toString” in A',
      'Use the permission “a:b:c”',
    ]);
  });
});
