import { describe, expect, it } from '@jest/globals';
import { serverEnvironment } from './child-settings.js';
import { readLaunchPlan } from './launcher-settings.js';

function handedOver(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return serverEnvironment(readLaunchPlan(env, []), { clientSecrets: {} })[name];
}

function networksOf(env: NodeJS.ProcessEnv): string | undefined {
  return handedOver('CORE_AUTH_OUTBOUND_NETWORKS', env);
}

describe('what the launcher hands to the server', () => {
  it('in development it may call this machine, where the modules are told of sign-outs', () => {
    expect(networksOf({})).toBe('127.0.0.0/8,::1/128');
  });

  it('what was given wins, and in production nothing is added', () => {
    expect(networksOf({ CORE_AUTH_OUTBOUND_NETWORKS: '10.0.0.0/8' })).toBe('10.0.0.0/8');
    expect(networksOf({ NODE_ENV: 'production' })).toBeUndefined();
  });

  it('in development anybody may register a client, for the modules too; in production nobody, unless it is given', () => {
    const name = 'CORE_AUTH_REGISTRATION';
    expect(handedOver(name, {})).toBe('open');
    expect(handedOver(`${name}_SCOPES`, {})).toBe(
      'openid profile email offline_access projects:read projects:write reports:read',
    );
    expect(handedOver('CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS', {})).toBe('on');
    expect(handedOver(name, { [name]: 'closed' })).toBe('closed');
    for (const setting of [name, `${name}_SCOPES`, 'CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS'])
      expect(handedOver(setting, { NODE_ENV: 'production' })).toBeUndefined();
  });

  it('where others reach the server nobody may register a client at it without being told so', () => {
    for (const HOST of ['0.0.0.0', '::', '192.168.1.5', 'localhost.example']) {
      for (const setting of ['CORE_AUTH_REGISTRATION', 'CORE_AUTH_CLIENT_ID_METADATA_DOCUMENTS'])
        expect(handedOver(setting, { HOST })).toBeUndefined();
      expect(networksOf({ HOST })).toBe('127.0.0.0/8,::1/128');
    }
    for (const HOST of ['127.0.0.1', '::1', 'localhost', '127.1.2.3'])
      expect(handedOver('CORE_AUTH_REGISTRATION', { HOST })).toBe('open');
  });
});
