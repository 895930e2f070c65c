import { describe, expect, it } from '@jest/globals';
import { readLaunchPlan } from './launcher-settings.js';

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  readLaunchPlan(env, problems);
  return problems;
}

describe('the settings of the launcher', () => {
  it('refuses unknown names that begin as those of the server or of a module do', () => {
    expect(
      problemsOf({
        CORE_AUTH_SESION_IDLE: '60',
        PROJECTS_PROT: '4001',
        REPORTS_ADDRESS: 'http://localhost:4002',
      }),
    ).toEqual([
      'CORE_AUTH_SESION_IDLE is not a setting; did you mean CORE_AUTH_SESSION_IDLE?',
      'PROJECTS_PROT is not a setting; did you mean PROJECTS_PORT?',
      'REPORTS_ADDRESS is not a setting',
    ]);
  });

  it('takes what it knows, secrets also from files, and leaves the variables of others alone', () => {
    expect(
      problemsOf({
        PROJECTS_PORT: '4001',
        REPORTS_URL: 'http://localhost:4002',
        REPORTS_PORT: '4002',
        PROJECTS_SERVICE_HOST: '10.0.0.1',
        MY_PROJECTS_FOLDER: '/srv',
        PROJECTS: 'all',
      }),
    ).toEqual([]);
    expect(problemsOf({ PROJECTS_OAUTH_CLIENT_SECRET_FILE: '/nowhere/x' })).toEqual([
      'PROJECTS_OAUTH_CLIENT_SECRET_FILE cannot be read: ENOENT',
    ]);
  });
});
