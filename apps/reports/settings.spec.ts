import { describe, expect, it } from '@jest/globals';
import { loadSettings, SettingsError } from './settings.js';

const good = {
  OAUTH_CLIENT_SECRET: 's'.repeat(43),
};

function problemsOf(env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadSettings(env);
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
}

describe('the settings of reports', () => {
  it('says of each setting that is missing that it is not set, once', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toEqual([
      'MODULE_URL is not set',
      'CORE_AUTH_URL is not set',
      'PROJECTS_URL is not set',
      'OAUTH_CLIENT_SECRET is not set',
    ]);
    expect(problemsOf(good)).toEqual([]);
  });

  it('says one thing of each setting that is wrong', () => {
    const OAUTH_CLIENT_SECRET_FILE = '/nowhere/secret';
    const problems = problemsOf({ ...good, OAUTH_CLIENT_SECRET: '', OAUTH_CLIENT_SECRET_FILE, PORT: 'x' });
    expect(problems).toEqual([
      'OAUTH_CLIENT_SECRET_FILE names a file that cannot be read',
      'PORT must be a port, 1 to 65535',
    ]);
  });
});
