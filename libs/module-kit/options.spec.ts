import { describe, expect, it } from '@jest/globals';
import { resolveOptions, type ModuleKitOptions } from './options.js';

const GOOD: ModuleKitOptions = {
  coreAuthUrl: 'https://auth.example/',
  clientId: 'projects',
  clientSecret: 's'.repeat(43),
  moduleUrl: 'https://projects.example/',
  moduleKey: 'projects',
  scopes: ['openid', 'offline_access', 'projects:read'],
};

describe('the options of the module kit', () => {
  it('are taken without trailing slashes and with defaults', () => {
    expect(resolveOptions(GOOD)).toMatchObject({
      coreAuthUrl: 'https://auth.example',
      coreAuthInternalUrl: 'https://auth.example',
      moduleUrl: 'https://projects.example',
      resourceScopes: ['projects:read'],
      environment: 'production',
      staleAllowanceMs: 900_000,
      streamSilenceMs: 4000,
      secure: true,
    });
  });

  it('are refused with one message that names every problem', () => {
    const bad: ModuleKitOptions = {
      coreAuthUrl: 'ftp://auth.example',
      clientId: 'with space',
      clientSecret: 'short',
      moduleUrl: 'https://projects.example/path',
      moduleKey: 'Projects',
      scopes: ['profile'],
      streamSilenceMs: 0,
    };
    const names = [
      'coreAuthUrl',
      'clientId',
      'clientSecret',
      'moduleUrl',
      'moduleKey',
      'openid',
      'streamSilenceMs',
    ];
    for (const name of names) expect(() => resolveOptions(bad)).toThrow(name);
  });

  it('never show the secret in the message', () => {
    expect(() => resolveOptions({ ...GOOD, clientSecret: 'hunter2' })).toThrow(/^((?!hunter2).)*$/s);
  });
});
