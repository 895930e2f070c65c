import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Database, sql } from '#platform';
import { REPOSITORY } from '../support/built-process.js';
import { World } from '../support/world.js';

jest.setTimeout(120_000);

describe('modules, by commands', () => {
  let world: World;

  beforeAll(async () => {
    world = await World.start();
  });
  afterAll(() => world.stop());

  /** @param args separated by `|` */
  async function run(args: string) {
    const program = spawn(
      process.execPath,
      [join(REPOSITORY, 'dist/apps/cli/main.js'), 'modules', ...args.split('|').filter(Boolean)],
      {
        env: {
          PATH: process.env['PATH'],
          DATABASE_URL: world.database.url,
          CORE_AUTH_URL: world.url,
          CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
        },
      },
    );
    const code = new Promise<number | null>((resolve) => program.on('close', resolve));
    const [out, err] = await Promise.all([text(program.stdout), text(program.stderr)]);
    return { code: await code, said: (out + err).trim() };
  }
  const audited = async (key: string) =>
    (
      await world.app
        .get(Database)
        .query<{ act: string }>(sql`SELECT act FROM audit_events WHERE target = ${key} ORDER BY id`)
    ).map(({ act }) => act);
  const state = () =>
    world.app.get(Database).query(sql`
      SELECT m.*, p.role, p.permissions, s.scope, s.roles FROM modules m
        LEFT JOIN module_permissions p ON p.module_key = m.key LEFT JOIN module_scopes s ON s.module_key = m.key
       ORDER BY m.key, p.role, s.scope`);

  it('one is made, changed and listed, each on record', async () => {
    expect(await run('create|desk|--name|Desk|--url|https://desk.example')).toEqual({
      code: 0,
      said: 'Desk (desk) is at https://desk.example from now on. Next: a client for it, core-auth clients create --module desk',
    });
    expect(await run('set|desk|--url|https://desks.example/')).toEqual({
      code: 0,
      said: 'Desk (desk) is at https://desks.example from now on.',
    });
    expect((await run('list')).said.split('\n')).toContain('desk  Desk, https://desks.example');
    expect(await audited('desk')).toEqual(['module.create', 'module.change']);
  });

  it('docs/guides/module.md: its commands do what it says', async () => {
    const guide = readFileSync(join(REPOSITORY, 'docs/guides/module.md'), 'utf8');
    const [, block = ''] = /^```sh\n(node dist[\s\S]*?)^```$/m.exec(guide) ?? [];
    const commands = block.trim().split('\n');
    expect(commands).toHaveLength(5);
    const said: string[] = [];
    for (const command of commands) {
      const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(
        ([, quoted, plain]) => quoted ?? plain ?? '',
      );
      const shown = await run(words.slice(3).join('|').replaceAll('desk', 'help'));
      expect(shown).toMatchObject({ code: 0 });
      said.push(shown.said);
    }
    expect(said.at(-1)?.split('\n')).toContain('help  Service help, https://help.example');
  });

  it('what roles may do there, and which of them a scope is for, counts for a running server', async () => {
    const tokens = async () => {
      const browser = await world.signIn('member@acme.example');
      const client = world.client('projects');
      return (await world.exchange(client, await world.code(client, browser))).body;
    };
    const before = await tokens();
    expect(entitlementsOf(before)).not.toContain('projects:archive');
    expect(await run('permissions|projects|member|archive|share')).toEqual({
      code: 0,
      said: 'In projects the role member may from now on: archive, share.',
    });
    await world.heard();
    const after = await tokens();
    expect(entitlementsOf(after)).toEqual(expect.arrayContaining(['projects:archive', 'projects:share']));
    expect(after['scope']).toContain('projects:read');
    expect(await run('scope|projects|projects:read|owner|administrator')).toEqual({
      code: 0,
      said: 'projects:read is granted to owner, administrator from now on.',
    });
    await world.heard();
    expect((await tokens())['scope']).not.toContain('projects:read');
  });

  it.each([
    ['create|Desk!|--name|x|--url|https://x.example', /key/i],
    ['create|organization|--name|x|--url|https://x.example', /Core Auth itself/],
    ['create|x|--name||--url|https://x.example', /Usage/],
    ['create|x|--name|a\u202eb|--url|https://x.example', /one line/],
    ['create|x|--name|X|--url|ftp://x.example', /http or https/],
    ['create|x|--name|X|--url|https://projects.example', /already/],
    ['set|reports|--url|https://projects.example', /already/],
    ['set|absent|--name|X', /no module/],
    ['set|reports|--url|nowhere', /http or https/],
    ['permissions|absent|member|x', /module/],
    ['permissions|projects|king|x', /no such role/],
    ['permissions|projects|member|X!', /permission/],
    ['permissions|projects|member|projects:archive', /Write "archive" instead of "projects:archive"/],
    ['scope|projects|reports:read|member', /scope/],
    ['scope|projects|projects:read|king', /no such role/],
    ['', /Usage/],
    ['list|x', /Usage/],
    ['set|reports', /Usage/],
    ['create|x|--nom|X', /Usage/],
  ])('"%s" is refused with a sentence, and changes nothing', async (args, sentence) => {
    const before = await state();
    const refused = await run(args);
    expect(refused).toEqual({ code: 1, said: expect.stringMatching(sentence) });
    expect(await state()).toEqual(before);
  });
});

function entitlementsOf(body: Record<string, unknown>): string[] {
  const [, payload = ''] = String(body['access_token']).split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { entitlements?: string[] };
  return claims.entitlements ?? [];
}
