import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { BuiltProcess, REPOSITORY } from '../support/built-process.js';
import { createDatabase } from '../support/database.js';
import { DAY, fileClaims, FileSigner } from '../support/license-files.js';
import { freePort } from '../support/ports.js';
import { World } from '../support/world.js';

jest.setTimeout(120_000);

const NOBODY = '00000000-0000-4000-8000-000000000000';

describe('core-auth license', () => {
  let world: World;
  let database: Client;
  let licenseId: string;
  const folder = mkdtempSync(join(tmpdir(), 'license-'));
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    world = await World.start();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
    await world.createOrganization('initech', 'Initech');
    licenseId = await world.license('initech', 'projects', { seatModel: 'named', seatLimit: 10 });
    mkdirSync(at('state'));
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await database.end();
    await world.stop();
  });

  async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
    const program = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['license', ...args],
      env,
      cwd: folder,
    });
    const { code } = await program.ended;
    return { code, said: program.output.trim() };
  }
  const settings = () => ({
    DATABASE_URL: world.database.url,
    CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
    CORE_AUTH_URL: world.url,
  });
  /** With the server's settings. */
  const license = (...args: string[]) => run(args, settings());
  /** On a host that has nothing. */
  const away = (...args: string[]) => run(args, {});
  const json = ({ said }: { said: string }) => JSON.parse(said) as Record<string, unknown>;
  const issue = (instance: string, seats: number, output: string, ...more: string[]) =>
    license(
      ...['issue', '--organization', 'initech', '--module', 'projects', '--instance', instance],
      ...['--seats', String(seats), '--output', at(output), ...more],
    );
  const verify = (file: string, instance: string, ...more: string[]) =>
    away(
      ...['verify', at(file), '--instance', instance, '--keys', at('keys.json'), '--issuer', world.url],
      ...['--state', at('state'), ...more],
    );
  const grants = async () =>
    Number((await database.query('SELECT FROM offline_grants WHERE returned_at IS NULL')).rowCount);
  const published = async () => (await database.query('SELECT FROM keys')).rowCount;
  const audited = async (act: string) =>
    (await database.query("SELECT FROM audit_events WHERE act = $1 AND actor = 'cli'", [act])).rowCount;

  it('says what it can do; wrong arguments end with 2 and the reason, and change nothing', async () => {
    const help = await away('help');
    expect(help).toEqual({ code: 0, said: expect.stringMatching(/^Usage: core-auth license[^]*Exit codes/) });
    const target = ['--organization', 'initech', '--module', 'projects'];
    const complete = ['--instance', 'plant', '--seats', '1', '--output', at('never')];
    const wrong: [string, ...string[]][] = [
      ['Say what to do'],
      ['Say what to do', 'destroy'],
      ['Say what to do', 'keys'],
      ['Say what to do', 'keys', 'revoke'],
      ['Name the license', 'issue', ...complete],
      ['Name the license', 'issue', '--license', NOBODY, '--module', 'projects', ...complete],
      ['--instance NAME', 'issue', ...target, ...complete.slice(2)],
      ['--seats N', 'issue', ...target, ...complete, '--seats', '1.5'],
      ['--days is a whole number from 1 to 400', 'issue', ...target, ...complete, '--days', '401'],
      ['--days is a whole number from 1 to 400', 'issue', ...target, ...complete, '--days', '0'],
      ['--output FILE', 'issue', ...target, '--instance', 'plant', '--seats', '1'],
      ["Unknown option '--state'", 'issue', ...target, ...complete, '--state', 'x'],
      ['license issue takes nothing', 'issue', 'file', ...target, ...complete],
      ['license return takes one file', 'return'],
      ['license inspect takes one file', 'inspect', 'a', 'b'],
      ['--instance NAME', 'verify', 'file', '--instance', 'a plant'],
      ['--keys', 'verify', 'file', '--instance', 'plant'],
      ['--state', 'verify', 'file', '--instance', 'plant', '--keys', 'k'],
      ['--issuer', 'verify', 'file', '--instance', 'plant', '--keys', 'k', '--state', 's'],
      ['by https', 'verify', 'f', '--instance', 'p', '--keys', 'http://auth.example/', '--state', 's'],
    ];
    const answers = await Promise.all(wrong.map(([, ...args]) => away(...args)));
    for (const [index, { code, said }] of answers.entries()) {
      const [reason = '', ...args] = wrong[index] ?? [];
      expect([args, code, said.split('\n')[0]]).toEqual([args, 2, expect.stringContaining(reason)]);
      expect(said).toContain('Usage: core-auth license');
    }
    expect(existsSync(at('never'))).toBe(false);
    expect(await grants()).toBe(0);
  });

  it('keys are listed, and exported for a host without a network, without anything secret', async () => {
    const [listed, table, exported] = await Promise.all([
      license('keys', 'list', '--json'),
      license('keys', 'list'),
      license('keys', 'export', '--output', at('keys.json')),
    ]);
    expect(json(listed)['keys']).toEqual([expect.objectContaining({ state: 'signs', verifies_until: null })]);
    expect(table.said.split('\n')).toEqual([
      expect.stringMatching(/^kid/),
      expect.stringMatching(/ license +EdDSA +signs /),
    ]);
    expect(exported).toEqual({ code: 0, said: expect.stringContaining(`Their issuer is ${world.url}`) });
    const published = await (await fetch(`${world.url}/.well-known/core-auth-license-keys`)).json();
    expect(JSON.parse(readFileSync(at('keys.json'), 'utf8'))).toEqual(published);
    expect(readFileSync(at('keys.json'), 'utf8')).not.toMatch(/"d"/);
    const [shown, again] = await Promise.all([
      license('keys', 'export'),
      license('keys', 'export', '--output', at('keys.json')),
    ]);
    expect(json(shown)).toEqual(published);
    expect(again).toEqual({ code: 2, said: expect.stringContaining('is there already') });
    expect((await license('keys', 'export', '--output', at('keys.json'), '--force')).code).toBe(0);
  });

  it('issues a file, says what it wrote, and verifies it where there is no database', async () => {
    const { code, said } = await issue('plant', 4, 'plant.license', '--days', '10');
    expect(code).toBe(0);
    expect(said).toContain(`Wrote ${at('plant.license')}`);
    expect(said).toMatch(
      new RegExp(`number 1 of license ${licenseId} \\(projects\\) .* plant, with 4 seats, until \\d{4}-`),
    );
    expect(await verify('plant.license', 'plant')).toEqual({
      code: 0,
      said: expect.stringMatching(/^OK: number 1 for plant, module projects, 0 of 4 seats taken, until /),
    });
    expect(existsSync(at('state/plant.json'))).toBe(true);
    const byUrl = await away(
      ...['verify', at('plant.license'), '--instance', 'plant', '--state', at('state'), '--json'],
      ...['--keys', `${world.url}/.well-known/core-auth-license-keys`],
    );
    expect([byUrl.code, json(byUrl)]).toEqual([
      0,
      expect.objectContaining({ allow: true, code: 'OK', seats: 4 }),
    ]);
    expect(await audited('offline-grant.issue')).toBe(1);
  });

  it('does not overwrite a file without --force, and sets no seats aside then', async () => {
    const before = readFileSync(at('plant.license'), 'utf8');
    const refused = await Promise.all([
      issue('plant', 4, 'plant.license'),
      issue('plant', 4, 'no such folder/file'),
      issue('plant', 4, 'state', '--force'),
    ]);
    expect(refused).toEqual(
      [
        /is there already: .*--force\.$/,
        /cannot be written \(ENOENT\)\.$/,
        /is no file: nothing replaces it/,
      ].map((sentence) => ({ code: 2, said: expect.stringMatching(sentence) })),
    );
    expect(readFileSync(at('plant.license'), 'utf8')).toBe(before);
    expect(await grants()).toBe(1);
    const forced = await issue('plant', 3, 'plant.license', '--force', '--json');
    expect([forced.code, json(forced)]).toEqual([
      0,
      expect.objectContaining({ license: licenseId, instance: 'plant', seats: 3, sequence: 2 }),
    ]);
    expect(readFileSync(at('plant.license'), 'utf8')).not.toBe(before);
    expect(existsSync(at('plant.license.new'))).toBe(false);
    writeFileSync(at('first.license'), before);
    expect((await verify('plant.license', 'plant')).code).toBe(0);
    expect(await verify('first.license', 'plant')).toEqual({
      code: 1,
      said: expect.stringMatching(/^CLOCK_ROLLBACK: Number 2 /),
    });
    expect(await grants()).toBe(1);
  });

  it('leaves no file and no block when the server refuses, and says what to do', async () => {
    const answers = await Promise.all([
      issue('many', 8, 'refused.license'),
      issue('a name', 1, 'refused-2.license'),
      license(
        ...['issue', '--license', NOBODY, '--instance', 'plant', '--seats', '0'],
        ...['--output', at('refused-3.license')],
      ),
      issue('mill', 1, 'refused-4.license', '--organization', 'nobody'),
      issue('mill', 1, 'refused-5.license', '--module', 'nothing'),
      issue('mill', 1, 'refused-6.license', '--module', 'reports'),
    ]);
    const sentences = [
      'ask for 7 at most, or release seats first.',
      'An instance is named by 1 to 128 letters',
      'There is no such license.',
      'There is no organization "nobody".',
      'There is no module "nothing".',
      '"initech" has no license for "reports" that is issued and has not ended.',
    ];
    expect(answers).toEqual(
      sentences.map((sentence) => ({ code: 1, said: expect.stringContaining(sentence) })),
    );
    for (const name of ['', '-2', '-3', '-4', '-5', '-6']) {
      expect(existsSync(at(`refused${name}.license`))).toBe(false);
    }
    expect(await grants()).toBe(1);
  });

  it('asks for the license itself where an organization has several', async () => {
    await world.createOrganization('hooli', 'Hooli');
    const both = [await world.license('hooli', 'projects'), await world.license('hooli', 'projects')].sort();
    const target = ['--instance', 'lab', '--seats', '0', '--output', at('lab.license')];
    const { code, said } = await license(
      ...['issue', '--organization', 'hooli', '--module', 'projects', '--json', ...target],
    );
    const message = `There are several licenses: name one of ${both.join(', ')}.`;
    expect([code, JSON.parse(said)]).toEqual([1, { error: 'several_licenses', message }]);
    expect((await license('issue', '--license', both[1] ?? '', ...target)).code).toBe(0);
    expect((await verify('lab.license', 'lab')).said).toContain('0 of 0 seats');
  });

  it('verify denies with 1 and the code, and ends with 2 when there is nothing to verify', async () => {
    const text = readFileSync(at('plant.license'), 'utf8').trim();
    const [header = '', , signature = ''] = text.split('.');
    const claims = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as object;
    const forged = Buffer.from(JSON.stringify({ ...claims, seat_block: 999 })).toString('base64url');
    writeFileSync(at('forged.license'), `${header}.${forged}.${signature}`);
    writeFileSync(at('no-keys.json'), '{"keys":[]}');
    const expectDenied = async (answer: ReturnType<typeof away>, code: string) =>
      expect(await answer).toEqual({ code: 1, said: expect.stringMatching(new RegExp(`^${code}: [A-Z]`)) });
    await expectDenied(verify('forged.license', 'plant'), 'OFFLINE_BAD_SIGNATURE');
    await expectDenied(
      verify('plant.license', 'plant', '--issuer', 'https://other.example'),
      'OFFLINE_BAD_SIGNATURE',
    );
    await expectDenied(verify('plant.license', 'plant', '--keys', at('no-keys.json')), 'OFFLINE_UNKNOWN_KEY');
    await expectDenied(verify('plant.license', 'mill'), 'OFFLINE_WRONG_INSTANCE');
    mkdirSync(at('fresh'));
    await expectDenied(verify('plant.license', 'plant', '--state', at('fresh')), 'CLOCK_ROLLBACK');
    await expectDenied(verify('lab.license', 'lab', '--state', at('no such folder')), 'CHECK_UNAVAILABLE');
    const machine = await verify('plant.license', 'mill', '--json');
    expect(json(machine)).toMatchObject({ allow: false, code: 'OFFLINE_WRONG_INSTANCE' });

    const untried: [string, ReturnType<typeof away>][] = [
      ['cannot be read (ENOENT)', verify('none.license', 'plant')],
      ['cannot be read (EISDIR)', verify('state', 'plant')],
      ['is no set of keys', verify('plant.license', 'plant', '--keys', at('plant.license'))],
      ['gives no keys (status 404)', verify('plant.license', 'plant', '--keys', `${world.url}/nothing`)],
      [
        'gives no keys (ECONNREFUSED)',
        verify('plant.license', 'plant', '--keys', `http://localhost:${await freePort()}/`),
      ],
    ];
    for (const [reason, answer] of untried) {
      expect(await answer).toEqual({ code: 2, said: expect.stringContaining(reason) });
    }
  });

  it('verify takes no keys from what is no set of them', async () => {
    const [key = {}] = (JSON.parse(readFileSync(at('keys.json'), 'utf8')) as { keys: object[] }).keys;
    const broken = JSON.stringify({ keys: [{ ...key, x: 'broken' }] });
    const contents = ['', 'null', '[]', '{"keys":{}}', '{"keys":[null]}', '-----BEGIN PUBLIC KEY-----'];
    const answers = [];
    for (const content of [...contents, ' '.repeat(1_048_577), broken]) {
      writeFileSync(at('odd-keys'), content);
      answers.push(await verify('plant.license', 'plant', '--keys', at('odd-keys')));
    }
    answers.push(await verify('plant.license', 'plant', '--keys', folder));
    expect(answers).toEqual([
      ...contents.map(() => ({ code: 2, said: expect.stringContaining('is no set of keys: make one with') })),
      { code: 2, said: expect.stringContaining('has more than 1 MiB') },
      { code: 1, said: expect.stringMatching(/^OFFLINE_UNKNOWN_KEY: The key that signed it is damaged /) },
      { code: 2, said: expect.stringContaining('cannot be read (EISDIR)') },
    ]);
  });

  it('believes no file that another deployment has signed, whatever it says and whichever key it names', async () => {
    const genuine = readFileSync(at('plant.license'), 'utf8');
    const own = JSON.parse(Buffer.from(genuine.split('.')[0] ?? '', 'base64url').toString()) as {
      kid: string;
    };
    const claims = fileClaims({ iss: world.url, exp: Math.floor(Date.now() / 1000) + 86_400 });
    writeFileSync(at('foreign.license'), new FileSigner('of-another-deployment').sign(claims));
    writeFileSync(at('impostor.license'), new FileSigner(own.kid).sign(claims));
    for (const [name, code] of [
      ['foreign', 'OFFLINE_UNKNOWN_KEY'],
      ['impostor', 'OFFLINE_BAD_SIGNATURE'],
    ] as const) {
      const [denied, kept] = await Promise.all([
        verify(`${name}.license`, 'plant', '--json'),
        license('return', at(`${name}.license`), '--json'),
      ]);
      expect([denied.code, json(denied)]).toEqual([1, expect.objectContaining({ allow: false, code })]);
      expect([kept.code, json(kept)]).toEqual([1, expect.objectContaining({ error: code })]);
    }
    expect((await away('inspect', at('foreign.license'))).code).toBe(0);
  });

  it('verify denies a file that has ended, and a clock that is turned back from there; the end gives the seats back', async () => {
    const { grant } = json(await issue('barge', 2, 'barge.license', '--days', '1', '--json'));
    const on = (clock: number) => {
      writeFileSync(at('clock'), String(clock));
      const preload = pathToFileURL(join(REPOSITORY, 'test/licensing/offline-site/clock.mjs')).href;
      return run(
        [
          ...['verify', at('barge.license'), '--instance', 'barge', '--keys', at('keys.json')],
          ...['--issuer', world.url, '--state', at('state')],
        ],
        { NODE_OPTIONS: `--import=${preload}` },
      );
    };
    expect((await on(Date.now())).code).toBe(0);
    expect(await on(Date.now() + 2 * DAY)).toEqual({
      code: 1,
      said: 'OFFLINE_EXPIRED: The license file has expired.',
    });
    expect(await on(Date.now())).toEqual({
      code: 1,
      said: expect.stringMatching(/^CLOCK_ROLLBACK: The clock/),
    });
    await database.query(
      "UPDATE offline_grants SET issued_at = now() - interval '2 days', expires_at = now() - interval '1 s' WHERE id = $1",
      [grant],
    );
    expect((await issue('raft', 7, 'raft.license')).code).toBe(0);
    expect((await license('return', at('raft.license'))).code).toBe(0);
    expect(await license('return', at('barge.license'))).toEqual({
      code: 0,
      said: `Returned ${String(grant)}: it had ended, and barge can use it no more. Its 2 seats came back to license ${licenseId} then.`,
    });
  });

  it('inspect shows what any file says, says that it believes nothing, and lets nothing move the cursor', async () => {
    const genuine = await away('inspect', at('plant.license'));
    expect(genuine).toEqual({ code: 0, said: expect.stringMatching(/^NOT VERIFIED: /) });
    expect(genuine.said).toContain('"seat_block": 3');
    expect(genuine.said).toContain('"alg": "EdDSA"');
    expect((await away('inspect', at('forged.license'))).said).toContain('"seat_block": 999');
    const [header = '', payload = ''] = readFileSync(at('plant.license'), 'utf8').split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
    const evil = { ...claims, exp: Number.MAX_SAFE_INTEGER, iss: '\u001b[2J\u009b2J\u202e' };
    writeFileSync(at('evil'), `${header}.${Buffer.from(JSON.stringify(evil)).toString('base64url')}.x`);
    const { code, said } = await away('inspect', at('evil'));
    expect(code).toBe(0);
    expect(said).toContain('"iss": "\\u001b[2J\\u009b2J\\u202e"');
    for (const character of ['\u001b', '\u009b', '\u202e']) expect(said).not.toContain(character);
    expect(said).toContain(`until ${Number.MAX_SAFE_INTEGER}, if it is genuine.`);
    const machine = json(await away('inspect', at('plant.license'), '--json'));
    expect(machine).toMatchObject({ verified: false, header: { alg: 'EdDSA' }, claims: { aud: 'plant' } });
    writeFileSync(at('text'), 'hello');
    expect(await away('inspect', at('text'))).toEqual({
      code: 2,
      said: `${at('text')} is no license file, or is cut off.`,
    });
  });

  it('returns by file or by grant, once, and says so again when it was returned before', async () => {
    const { grant, ...first } = json(await issue('ship', 2, 'ship.license', '--json'));
    expect(first).toMatchObject({ seats: 2 });
    const [before, returned] = [await grants(), (await audited('offline-grant.return')) ?? 0];
    expect(await license('return', at('ship.license'))).toEqual({
      code: 0,
      said: expect.stringMatching(
        /^Returned .*: 2 seats are back in license .* see that it is gone from there\.$/,
      ),
    });
    expect(await grants()).toBe(before - 1);
    const [asJson, ...again] = await Promise.all([
      license('return', String(grant), '--json'),
      license('return', at('ship.license')),
      license('return', String(grant)),
    ]);
    for (const answer of again) {
      expect(answer).toEqual({ code: 0, said: `${String(grant)} was returned before; nothing was changed.` });
    }
    expect(json(asJson)).toEqual({ grant, returned: 'before' });
    expect(await audited('offline-grant.return')).toBe(returned + 1);
  });

  it('returns no file that somebody changed, that has a successor or that nobody issued', async () => {
    const before = await grants();
    const answers = await Promise.all([
      license('return', at('forged.license')),
      license('return', at('first.license')),
      license('return', NOBODY, '--json'),
      license('return', at('none.license')),
    ]);
    expect(answers).toEqual([
      { code: 1, said: expect.stringContaining('name its grant instead of the file.') },
      { code: 1, said: expect.stringContaining('A later file of this instance') },
      {
        code: 1,
        said: JSON.stringify({ error: 'unknown_grant', message: 'No license file has this jti.' }),
      },
      { code: 2, said: expect.stringContaining('cannot be read (ENOENT)') },
    ]);
    expect(await grants()).toBe(before);
  });

  it('keys rotate publishes a successor that the export has before it signs, and waits with the next', async () => {
    const { published } = json(await license('keys', 'rotate', '--json')) as {
      published: { kid: string; signs_from: string }[];
    };
    expect(published).toHaveLength(1);
    const exported = json(await license('keys', 'export'))['keys'] as { kid: string }[];
    expect(exported.map(({ kid }) => kid)).toContain(published[0]?.kid);
    expect(exported).toHaveLength(2);
    const again = await license('keys', 'rotate');
    expect(again).toEqual({ code: 1, said: expect.stringContaining('Rotate again after that.') });
    expect((await issue('late', 1, 'late.license')).code).toBe(0);
    expect((await verify('late.license', 'late')).code).toBe(0);
  });

  it('after a rotation the files that are out stay good and can be returned; the next ones need the new keys', async () => {
    await database.query("UPDATE keys SET signs_from = now() - interval '1 s' WHERE purpose = 'license'");
    expect((await license('keys', 'export', '--output', at('both.json'))).code).toBe(0);
    expect((await issue('next', 1, 'next.license')).code).toBe(0);
    const codes = [];
    for (const keys of ['keys.json', 'both.json']) {
      for (const name of ['late', 'next']) {
        const { said } = await verify(`${name}.license`, name, '--keys', at(keys));
        codes.push(`${keys} ${name} ${said.split(':')[0]}`);
      }
    }
    expect(codes).toEqual([
      'keys.json late OK',
      'keys.json next OFFLINE_UNKNOWN_KEY',
      'both.json late OK',
      'both.json next OK',
    ]);
    expect((await license('return', at('late.license'))).code).toBe(0);
  });

  it('a file of a key that was revoked is denied with the new keys, and returned by its grant alone', async () => {
    const [{ kid = '' } = {}] = json(await license('keys', 'list', '--json'))['keys'] as { kid: string }[];
    const { grant } = json(await issue('lost', 1, 'lost.license', '--json'));
    const revoke = new BuiltProcess('dist/apps/cli/main.js', {
      args: ['keys', 'revoke', kid],
      env: settings(),
    });
    expect((await revoke.ended).code).toBe(0);
    expect((await license('keys', 'export', '--output', at('after.json'))).code).toBe(0);
    expect((await verify('lost.license', 'lost', '--keys', at('both.json'))).code).toBe(0);
    const denied = await verify('lost.license', 'lost', '--keys', at('after.json'));
    expect(denied).toEqual({ code: 1, said: expect.stringMatching(/^OFFLINE_UNKNOWN_KEY: /) });
    expect(await license('return', at('lost.license'))).toEqual({
      code: 1,
      said: expect.stringMatching(/To return it all the same, name its grant instead of the file\.$/),
    });
    expect((await license('return', String(grant))).code).toBe(0);
    expect((await issue('lost', 1, 'again.license')).code).toBe(0);
    expect((await verify('again.license', 'lost', '--keys', at('after.json'))).code).toBe(0);
  });

  it('signs and publishes nothing with key-encryption keys that are not those of the servers', async () => {
    const [kid = ''] = settings().CORE_AUTH_KEY_ENCRYPTION_KEYS.split(':');
    const before = [await grants(), await published()];
    const target = ['--organization', 'initech', '--module', 'projects', '--instance', 'closed'];
    const acts = [
      ['issue', ...target, '--seats', '1', '--output', at('closed.license')],
      ['keys', 'rotate'],
    ];
    const answers = await Promise.all(
      [kid, 'other'].flatMap((name) => {
        const keys = `${name}:${randomBytes(32).toString('base64url')}`;
        return acts.map((args) => run(args, { ...settings(), CORE_AUTH_KEY_ENCRYPTION_KEYS: keys }));
      }),
    );
    for (const answer of answers) {
      expect(answer).toEqual({
        code: 1,
        said: expect.stringMatching(
          /^CORE_AUTH_KEY_ENCRYPTION_KEYS does not open \S[^\n]*: give it the value that the servers have\.$/,
        ),
      });
    }
    expect(existsSync(at('closed.license'))).toBe(false);
    expect([await grants(), await published()]).toEqual(before);
  });

  it('says that there is no key yet before the first start of a server', async () => {
    const empty = await createDatabase();
    const env = {
      DATABASE_URL: empty.url,
      CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
    };
    const answers = await Promise.all(['export', 'rotate'].map((what) => run(['keys', what], env)));
    for (const answer of answers) {
      expect(answer).toEqual({
        code: 1,
        said: 'There is no license key yet: the server makes it at its first start.',
      });
    }
    await empty.drop();
  });
});
