import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from '#platform';
import { LicensingWorld } from '../licensing/licensing-world.js';
import { BuiltProcess } from '../support/built-process.js';

jest.setTimeout(120_000);

const TARGET = ['--organization', 'acme', '--module', 'reports'];

describe('core-auth seats import', () => {
  let world: LicensingWorld;
  let folder: string;
  let licenseId: string;
  let emails: string[];

  beforeAll(async () => {
    world = await LicensingWorld.create();
    folder = await mkdtemp(join(tmpdir(), 'seats-'));
    licenseId = await world.license({ seatModel: 'named', seatLimit: 2 });
    const ids = await world.members(3);
    const rows = await world.node.database.query<{ email: string }>(sql`
      SELECT email FROM users WHERE id = ANY (${ids}::uuid[]) ORDER BY email`);
    emails = rows.map(({ email }) => email);
  });
  afterAll(async () => {
    await rm(folder, { recursive: true });
    await world.close();
  });

  async function seats(...args: string[]): Promise<{ code: number | null; said: string }> {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['seats', ...args],
      env: {
        DATABASE_URL: world.databaseUrl,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
      },
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }
  async function file(text: string): Promise<string> {
    const path = join(folder, `${randomBytes(4).toString('hex')}.csv`);
    await writeFile(path, text);
    return path;
  }

  it('says what it can do and changes nothing when the arguments are wrong', async () => {
    const wrong = [[], ['export'], ['import'], ['import', 'a.csv'], ['import', 'a.csv', 'b.csv', ...TARGET]];
    for (const answer of await Promise.all(wrong.map((args) => seats(...args)))) {
      expect(answer).toEqual({ code: 1, said: expect.stringContaining('Usage: core-auth seats import') });
    }
  });

  it('says what is wrong with a file, an organization or a module, in one sentence', async () => {
    const good = await file(`email\n${emails[0]}\n`);
    const answers = await Promise.all([
      seats('import', join(folder, 'none.csv'), ...TARGET),
      seats('import', folder, ...TARGET),
      seats('import', await file(`email\n"${emails[0]}\n`), ...TARGET),
      seats('import', await file('x'.repeat(1024 * 1024 + 1)), ...TARGET),
      seats('import', good, '--organization', 'nobody', '--module', 'reports'),
      seats('import', good, '--organization', 'acme', '--module', 'nothing'),
    ]);
    const sentences = ['ENOENT', 'EISDIR', 'Line 2: a quoted field', '1 MiB', '"nobody"', '"nothing"'];
    expect(answers).toEqual(
      sentences.map((sentence) => ({ code: 1, said: expect.stringContaining(sentence) })),
    );
    for (const { said } of answers) {
      expect(said).toContain('Nothing was changed.');
      expect(said.split('\n')).toHaveLength(1);
    }
    expect(await world.seated(licenseId)).toBe(0);
  });

  it('a dry run says what would happen to each line; the run does it, and draws no bar where nobody looks', async () => {
    const path = await file(`email\n${emails.join('\n')}\n`);
    const dry = await seats('import', path, ...TARGET, '--dry-run');
    expect(dry.code).toBe(1);
    expect(dry.said.split('\n')).toEqual([
      `2  ${emails[0]}  would get a seat of ${licenseId}`,
      `3  ${emails[1]}  would get a seat of ${licenseId}`,
      `4  ${emails[2]}  would be refused: All seats of this license are taken. (SEATS_EXHAUSTED)`,
      '2 would be assigned, 0 seated already, 1 would be refused. Nothing was changed.',
    ]);
    expect(await world.seated(licenseId)).toBe(0);

    const run = await seats('import', path, ...TARGET);
    expect(run.code).toBe(1);
    expect(run.said.split('\n')).toEqual([
      `2  ${emails[0]}  got a seat of ${licenseId}`,
      `3  ${emails[1]}  got a seat of ${licenseId}`,
      `4  ${emails[2]}  refused: All seats of this license are taken. (SEATS_EXHAUSTED)`,
      '2 assigned, 0 seated already, 1 refused.',
    ]);
    expect(await world.seated(licenseId)).toBe(2);
    expect(await seats('import', await file(`email\n${emails[0]}\n`), ...TARGET)).toEqual({
      code: 0,
      said: `2  ${emails[0]}  holds a seat of ${licenseId} already\n0 assigned, 1 seated already, 0 refused.`,
    });
  });
});
