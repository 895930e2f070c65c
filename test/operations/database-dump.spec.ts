import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Database, KeyEncryption, sha256 } from '#platform';
import { keyEnvelopeContext, KeyRepository } from '#tokens';
import { REPOSITORY } from '../support/built-process.js';
import { dump } from '../support/database-dump.js';
import { encoded, spellings, type SeenSecret } from '../support/seen-secrets.js';
import type { World } from '../support/world.js';
import { ADDRESS, AGENT, EventfulWorld, NOBODY } from './eventful-world.js';

jest.setTimeout(60_000);

describe('a dump of the database after everything has happened', () => {
  let eventful: EventfulWorld;
  let world: World;
  let secrets: readonly SeenSecret[];
  let tables: Map<string, string[]>;

  beforeAll(async () => {
    eventful = await EventfulWorld.start();
    ({ world, secrets } = eventful);
    tables = await dump(world.database.url);
  }, 120_000);
  afterAll(() => eventful.stop());

  /** The tables that have one of these texts in any row. */
  const tablesWith = (texts: readonly string[]) =>
    [...tables]
      .filter(([, lines]) => lines.some((line) => texts.some((text) => line.includes(text))))
      .map(([name]) => name);

  it('holds what it was filled with, so that the search would find something', () => {
    for (const name of [
      'sessions',
      'one_time_tokens',
      'pushed_requests',
      'passkeys',
      'recovery_codes',
      'webhooks',
    ]) {
      expect([name, tables.get(`public.${name}`)?.length]).not.toEqual([name, 0]);
    }
    expect(tablesWith(['Pia Person'])).toContain('public.users');
    expect(tablesWith(spellings('moved-0@new.example'))).toContain('public.users');
    expect(tablesWith(['Pia Person'])).toContain('pg_catalog.pg_statistic');
  });

  it('has seen the secrets of every kind', () => {
    const kinds = new Set(secrets.map(({ what }) => what));
    const expected = [
      'cookie core_auth_session',
      'cookie core_auth_devices',
      'client secret',
      'recovery code',
      'the secret of an app',
      'token of a mailed link',
      'code of a redirect',
      'device_code of an answer',
      'user_code of an answer',
      'access_token of an answer',
      'refresh_token of an answer',
      'request_uri of an answer',
      'registration_access_token of an answer',
      'secret of an answer',
      'csrf_token of a hidden field',
      'password of a request',
      'login_hint of a request',
      'license file',
    ];
    expect(expected.filter((kind) => !kinds.has(kind))).toEqual([]);
    expect(secrets.length).toBeGreaterThan(100);
  });

  it('shows no secret that any client has seen, in no spelling, in no table', () => {
    const found = secrets.flatMap(({ what, value }) =>
      tablesWith(spellings(value)).map((table) => `${what} in ${table}: ${value}`),
    );
    expect(found).toEqual([]);
  });

  it('shows no key of the server: neither the ring’s nor those that sign', async () => {
    const ring = (world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '').split(':')[1] ?? '';
    expect(tablesWith(spellings(ring))).toEqual([]);
    const encryption = world.app.get(KeyEncryption);
    const keys = await world.app.get(KeyRepository).all();
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) {
      const secret = encryption.decrypt(key.secretEnvelope, keyEnvelopeContext(key));
      const text = secret.toString();
      const exponent = text.startsWith('{') ? String((JSON.parse(text) as { d?: string }).d) : '';
      expect([key.kid, tablesWith([...encoded(secret), ...(exponent ? spellings(exponent) : [])])]).toEqual([
        key.kid,
        [],
      ]);
    }
  });

  it('shows no browser, and an address in the audit alone, as the page of data at rest says', () => {
    expect(tablesWith(spellings(AGENT))).toEqual([]);
    const texts = [ADDRESS, ...encoded(Buffer.from(ADDRESS))];
    expect(tablesWith(texts).filter((name) => name !== 'pg_catalog.pg_statistic')).toEqual([
      'public.audit_events',
    ]);
  });

  it('shows nobody’s address that was only typed, and no digest of one, or of a network, that can be tried out', () => {
    expect(tablesWith(spellings(NOBODY))).toEqual([]);
    const typed = [NOBODY, 'owner@acme.example', 'admin@globex.example', 'forgetful-1@acme.example'];
    const purposes = ['register', 'reset-password', 'change-address'];
    const guesses = [
      ADDRESS,
      ...typed.flatMap((email) => [email, `${email}|${ADDRESS}`, ...purposes.map((is) => `${is}|${email}`)]),
    ];
    for (const guess of guesses) {
      expect([guess, tablesWith(encoded(sha256(guess)))]).toEqual([guess, []]);
    }
  });

  it('every value that the page calls an envelope is one', async () => {
    const page = readFileSync(join(REPOSITORY, 'docs/reference/data-at-rest.md'), 'utf8');
    const columns = [...page.matchAll(/^\| `(\w+)`: (.*?) *\| `envelope`/gm)].flatMap(
      ([, table, names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, column]) => ({ table, column })),
    );
    expect(columns.length).toBeGreaterThan(5);
    for (const { table, column } of columns) {
      const rows = await world.app.get(Database).query<{ value: string }>({
        name: `${table}.${column}`,
        text: `SELECT ${column} AS value FROM ${table} WHERE ${column} IS NOT NULL`,
        values: [],
      });
      expect([table, column, rows.length > 0]).toEqual([table, column, true]);
      for (const { value } of rows) expect(value).toMatch(/^v1\.test(\.[\w-]+){3}$/);
    }
  });
});
