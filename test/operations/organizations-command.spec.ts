import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { AccountDeletionRepository } from '#accounts';
import { Database, MailSealer, sql } from '#platform';
import { REPOSITORY } from '../support/built-process.js';
import { PASSWORD, World } from '../support/world.js';
import { secretIn } from '../organizations/organization-world.js';

jest.setTimeout(60_000);

describe('the first organization and its first person, by commands', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  /** @param args separated by `|` */
  async function run(args: string, input = '', env: Readonly<Record<string, string>> = {}) {
    const program = spawn(
      process.execPath,
      [join(REPOSITORY, 'dist/apps/cli/main.js'), ...args.split('|').filter(Boolean)],
      {
        env: {
          PATH: process.env['PATH'],
          DATABASE_URL: world.database.url,
          CORE_AUTH_URL: world.url,
          CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
          ...env,
        },
      },
    );
    program.stdin.end(input);
    const code = new Promise<number | null>((resolve) => program.on('close', resolve));
    const [out, err] = await Promise.all([text(program.stdout), text(program.stderr)]);
    return { code: await code, said: (out + err).trim() };
  }
  const accountOf = (email: string) => world.accounts.findForSignIn(email);
  const isIn = async (email: string) => (await world.signIn(email)).get('/organization');

  it('an account is made with a password from the input, then an organization that it owns', async () => {
    expect(
      await run('accounts|create|Olga@First.example|--name| Olga  First |--password-stdin', `${PASSWORD}\n`),
    ).toEqual({ code: 0, said: 'olga@first.example has an account from now on.' });
    expect(await accountOf('olga@first.example')).toMatchObject({ name: 'Olga First' });
    expect(await run('organizations|create|First & Söhne|--owner|OLGA@first.example')).toEqual({
      code: 0,
      said: 'First & Söhne (first-sohne) is owned by olga@first.example from now on.',
    });
    expect((await run('organizations|list')).said.split('\n')).toContain(
      'first-sohne  First & Söhne, 1 person, owned by olga@first.example',
    );
    const page = await isIn('olga@first.example');
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('First &amp; Söhne')]);
  });

  it('without a password a mail is queued, whose link leads to name and password', async () => {
    expect(await run('accounts|create|paul@first.example|--name|Paul')).toEqual({
      code: 0,
      said: 'A mail is on its way to paul@first.example. Its link is good for 7 days.',
    });
    expect(await accountOf('paul@first.example')).toBeUndefined();
    const rows = await world.app
      .get(Database)
      .query<{ id: string; envelope: string }>(sql`SELECT id, mail_envelope AS envelope FROM mails`);
    const letter = rows
      .map((row) => world.app.get(MailSealer).open(row))
      .find(({ to }) => to === 'paul@first.example');
    const token = secretIn(letter);
    const browser = world.browser();
    const answer = await browser.submit(`/invitation?token=${token}`, '/invitation', {
      name: 'Paul First',
      password: PASSWORD,
    });
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/']);
    expect(await accountOf('paul@first.example')).toMatchObject({ name: 'Paul First' });
    expect((await browser.get('/choose-organization')).status).toBe(200);
  });

  it('where no mail leaves nobody is told that one is on its way; with a password the account is made', async () => {
    const production = { NODE_ENV: 'production', CORE_AUTH_URL: 'https://auth.example' };
    const count = async () => (await world.app.get(Database).query(sql`SELECT FROM one_time_tokens`)).length;
    const before = await count();
    expect(await run('accounts|create|quinn@first.example|--name|Quinn', '', production)).toEqual({
      code: 1,
      said: 'No mail leaves this installation, and an invitation is a mail. Whoever runs it has to set CORE_AUTH_SMTP_URL and CORE_AUTH_MAIL_FROM first. Nothing was changed.',
    });
    expect(await count()).toBe(before);
    const withPassword = 'accounts|create|quinn@first.example|--name|Quinn|--password-stdin';
    expect((await run(withPassword, `${PASSWORD}\n`, production)).code).toBe(0);
  });

  it('what cannot be done is said in a sentence, and nothing is changed', async () => {
    const refused = async (args: string, sentence: string, input = '') =>
      expect(await run(args, input)).toEqual({ code: 1, said: sentence });
    await refused(
      'organizations|create|Nobody|--owner|nobody@first.example',
      'There is no account with the e-mail address nobody@first.example. Make one first: core-auth accounts create nobody@first.example',
    );
    await refused(
      'organizations|create|Acme|--owner|member@acme.example',
      'There is an organization with this key already. Choose another. Nothing was changed.',
    );
    await refused(
      'organizations|create|X|--key|admin|--owner|member@acme.example',
      'The key “admin” is reserved. Choose another. Nothing was changed.',
    );
    await refused(
      'accounts|create|member@acme.example',
      'There is an account with this e-mail address already. Nothing was changed.',
    );
    await refused(
      'accounts|create|x@first.example|--name|X|--password-stdin',
      'Choose a password of at least 15 characters; a few unrelated words make a good one. Nothing was changed.',
      'short\n',
    );
    await refused(
      'accounts|create|nobody',
      'This is not an e-mail address. It has the form name@example.com. Nothing was changed.',
    );
  });

  it('an organization is suspended and resumed, once each, and says so in the list', async () => {
    for (const [args, said] of [
      ['suspend|globex', 'Globex (globex) is suspended from now on.'],
      ['suspend|globex', 'Globex (globex) is suspended already.'],
      ['list', expect.stringContaining('globex  Globex, 2 people, owned by nobody, suspended')],
      ['resume|globex', 'Globex (globex) is not suspended from now on.'],
      ['resume|globex', 'Globex (globex) is not suspended already.'],
    ] as const) {
      expect(await run(`organizations|${args}`)).toEqual({ code: 0, said });
    }
    expect(await run('organizations|suspend|nothing')).toEqual({
      code: 1,
      said: 'There is no organization with the key nothing. See: core-auth organizations list',
    });
    const acts = await world.app.get(Database).query(sql`
      SELECT act, actor FROM audit_events WHERE organization_id = ${world.id('globex')} ORDER BY id DESC LIMIT 2`);
    expect(acts).toEqual([
      { act: 'organization.resume', actor: 'cli' },
      { act: 'organization.suspend', actor: 'cli' },
    ]);
  });

  it('who is disabled is signed out and kept out; enabled, they sign in anew, and nothing from before comes back', async () => {
    const client = world.client('projects');
    const browser = await world.signIn('owner@acme.example');
    // an owner who is about to be gone counts as none
    const leaving = await world.createPerson('leaving@acme.example', 'Lee Leaving', { acme: 'owner' });
    await world.app
      .get(AccountDeletionRepository)
      .request(leaving, { id: leaving, address: null, factor: null });
    const scope = 'openid offline_access projects:read';
    const { body } = await world.exchange(client, await world.code(client, browser, { scope }));
    const refreshed = () => world.refresh(client, String(body['refresh_token']));
    expect(await run('accounts|disable|OWNER@acme.example')).toEqual({
      code: 0,
      said: 'owner@acme.example is disabled from now on.\nacme has no owner who can sign in and stays.',
    });
    expect((await refreshed()).status).toBe(400);
    expect((await browser.get('/account')).status).toBe(303);
    await expect(world.signIn('owner@acme.example')).rejects.toThrow('401');
    // what a sign-in that was under way leaves behind, once the sessions have been ended
    const [left] = await world.app.get(Database).query<{ id: string }>(sql`
      UPDATE sessions SET ended_at = NULL WHERE user_id = ${world.id('owner@acme.example')} RETURNING id`);
    expect((await run('accounts|disable|owner@acme.example')).said).toContain('is disabled already.');
    const enable = () => run('accounts|enable|owner@acme.example');
    expect((await enable()).said).toBe('owner@acme.example may sign in from now on.');
    expect((await enable()).said).toBe('owner@acme.example may sign in already.');
    expect((await browser.get('/account')).status).toBe(303);
    expect(
      await world.app.get(Database).query(sql`
        SELECT FROM outbox WHERE kind = 'session-ended' AND subject = ${left?.id}`),
    ).toHaveLength(2);
    expect((await refreshed()).status).toBe(400);
    expect((await (await world.signIn('owner@acme.example')).get('/account')).status).toBe(200);
    expect(await run('accounts|enable|nobody@first.example')).toEqual({
      code: 1,
      said: 'There is no account with the e-mail address nobody@first.example.',
    });
  });

  it.each([
    ['organizations', 'suspend'],
    ['organizations', 'resume|acme|x'],
    ['accounts', 'disable'],
    ['accounts', 'enable|a@b.example|x'],
    ['organizations', ''],
    ['organizations', 'create'],
    ['organizations', 'create|A'],
    ['organizations', 'create|A|B|--owner|c@d.example'],
    ['organizations', 'list|x'],
    ['accounts', ''],
    ['accounts', 'create'],
    ['accounts', 'create|a@b.example|--password-stdin'],
    ['accounts', 'create|a@b.example|--password|secret'],
  ])('core-auth %s explains itself when it is given "%s"', async (command, args) => {
    const { code, said } = await run(`${command}|${args}`);
    expect([code, said.split('\n')[0]]).toEqual([1, `Usage: core-auth ${command} <what>`]);
  });
});
