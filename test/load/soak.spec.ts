import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { OpaqueTokens } from '#tokens';
import { AuthorizationExpiryRepository } from '../../libs/oauth/authorization/authorization-expiry.repository.js';
import { Sweeper } from '../../apps/server/sweeper.js';
import { claimsOf, World, type TestClient } from '../support/world.js';
import { generateAuthorizations, generatedAuthorization, sampleOf } from './generated-rows.js';

const FEW = 1000;
const MANY = 50_000;
const REFRESHES = 40;

interface Plan {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Plan[];
}

describe('among 1 thousand and among 50 thousand authorizations', () => {
  let world: World;
  /** Its connections tell the plan of every statement to the log. */
  let explained: World;
  let client: TestClient;
  let database: Client;
  let generation: number;
  let template: { authorizationId: string; sessionId: string; userId: string };

  beforeAll(async () => {
    world = await World.start();
    client = world.client('projects');
    database = new Client({ connectionString: world.database.url });
    await database.connect();
    const name = world.database.name;
    await database.query(`ALTER DATABASE ${name} SET session_preload_libraries = 'auto_explain'`);
    for (const [setting, value] of Object.entries({
      log_min_duration: '0',
      log_analyze: 'on',
      log_buffers: 'on',
      log_timing: 'off',
      log_format: 'json',
    })) {
      await database.query(`ALTER DATABASE ${name} SET auto_explain.${setting} = '${value}'`);
    }
    explained = await World.start({ beside: world });
    const { tokens } = await world.signedInClient();
    const token = world.app.get(OpaqueTokens).read('refresh_token', tokens.refresh_token);
    const claims = claimsOf(tokens.access_token);
    generation = token?.generation ?? NaN;
    template = {
      authorizationId: token?.authorizationId ?? '',
      sessionId: String(claims['sid']),
      userId: String(claims['sub']),
    };
  });
  afterAll(async () => {
    await database.end();
    await explained.stop();
    await world.stop();
  });

  let rows = 0;
  const grow = async (to: number) => {
    if (rows < to) await generateAuthorizations(database, template, { from: rows + 1, to });
    rows = Math.max(rows, to);
  };

  const refreshToken = (number: number) => {
    const { id, rowSecret } = generatedAuthorization(number);
    return world.app.get(OpaqueTokens).mint('refresh_token', { authorizationId: id, generation, rowSecret });
  };

  /** Refreshes authorizations spread over all, each for the first time. */
  const refreshSome = async (rows: number) => {
    const log = new PlanLog(world.database.name);
    for (const number of sampleOf(rows, REFRESHES)) {
      // another one than among fewer rows
      const token = refreshToken(Math.min(rows, number + rows / FEW));
      expect((await explained.refresh(client, token)).status).toBe(200);
    }
    // what ends authorizations beside it does so inside of what audits them
    return log.plans().filter((plan) => scans(plan)[0]?.kind === 'ModifyTable:authorizations');
  };

  it('a refresh is answered by the same index scans, and reads no more pages', async () => {
    await grow(FEW);
    const few = await refreshSome(FEW);
    await grow(MANY);
    const many = await refreshSome(MANY);
    for (const plans of [few, many]) {
      expect(plans).toHaveLength(REFRESHES);
      const used = plans.flatMap(scans).filter(({ relation }) => relation === 'authorizations');
      expect(used.length).toBeGreaterThan(0);
      expect(new Set(used.map(({ index }) => index))).toEqual(new Set(['authorizations_pkey', undefined]));
      expect(used.filter(({ kind }) => kind === 'Seq Scan')).toEqual([]);
    }
    // a page more for each level that the indexes have grown by, and now and then one for pruning
    expect(medianBuffers(many)).toBeLessThanOrEqual(medianBuffers(few) * 1.5 + 2);
  }, 60_000);

  it('a refresh touches no index: PostgreSQL counts heap-only updates', async () => {
    await grow(MANY);
    const before = await updates(database);
    // so that the time of the rotation changes too
    world.clock.advance(60_000);
    for (const number of sampleOf(MANY, REFRESHES).map((each) => each + 7)) {
      expect((await world.refresh(client, refreshToken(number))).status).toBe(200);
    }
    let after = await updates(database);
    // a backend that has nothing more to do tells its counts within ten seconds
    for (let wait = 0; wait < 30 && after.all < before.all + REFRESHES; wait += 1) {
      await sleep(500);
      after = await updates(database);
    }
    const all = after.all - before.all;
    expect(all).toBeGreaterThanOrEqual(REFRESHES);
    expect((after.heapOnly - before.heapOnly) / all).toBeGreaterThan(0.95);
  });

  it('what the limit of an organization ends is found by the index of sessions that moved, in a few pages', async () => {
    await grow(MANY);
    const [acme, globex] = [world.id('acme'), world.id('globex')];
    await database.query('UPDATE organizations SET session_absolute_seconds = 300 WHERE id = $1', [acme]);
    // of the sessions that there are, three have gone on for another organization; each had ten authorizations
    await database.query(
      `UPDATE sessions SET organization_id = $1, organization_chosen_at = now(), auth_time = now() - interval '1 hour'
        WHERE id IN (SELECT md5('session ' || i)::uuid FROM generate_series(7, 9) i)`,
      [globex],
    );
    const log = new PlanLog(world.database.name);
    const ended = await explained.app.get(AuthorizationExpiryRepository).expire(500);
    // the loop of a node may have come first
    expect([0, 30]).toContain(ended);
    expect(await explained.app.get(AuthorizationExpiryRepository).expire(500)).toBe(0);
    const looks = log.plans().filter((plan) => scans(plan).some(({ index }) => index === 'sessions_moved'));
    expect(looks.length).toBeGreaterThan(0);
    const found = looks.flatMap(scans).filter(({ relation }) => relation === 'authorizations');
    expect(found.filter(({ kind }) => kind === 'Seq Scan')).toEqual([]);
    expect(Math.min(...looks.map(buffersOf))).toBeLessThan(200);
    const { rows } = await database.query(
      `SELECT FROM outbox WHERE kind = 'authorization-revoked' AND organization_id = $1`,
      [acme],
    );
    expect(rows).toHaveLength(30);
    await database.query('UPDATE organizations SET session_absolute_seconds = NULL WHERE id = $1', [acme]);
  });

  it('what has expired is removed by one sweep, batch after batch; what lives stays', async () => {
    await grow(MANY);
    const expired = 2500;
    await database.query(
      `UPDATE authorizations SET expires_at = now() - interval '2 days'
        WHERE id IN (SELECT md5('authorization ' || i)::uuid FROM generate_series(1, $1::int) i)`,
      [expired],
    );
    const left = async () => {
      const { rows } = await database.query<{ dead: string; living: string }>(
        `SELECT count(*) FILTER (WHERE expires_at < now()) AS dead,
                count(*) FILTER (WHERE expires_at > now()) AS living FROM authorizations`,
      );
      return { dead: Number(rows[0]?.dead), living: Number(rows[0]?.living) };
    };
    const { living } = await left();
    expect((await left()).dead).toBe(expired);
    await world.app.get(Sweeper).sweep();
    expect((await left()).dead).toBe(0);
    expect((await left()).living).toBe(living);
    expect(living).toBeGreaterThan(MANY - expired);
  });
});

/** The plans of one database's statements as auto_explain logged them since this was made. */
class PlanLog {
  private readonly file = process.env['TEST_POSTGRES_LOG'] ?? '';
  private readonly start: number;

  constructor(private readonly database: string) {
    this.start = this.size();
  }

  plans(): Plan[] {
    return this.text()
      .split(/^(?=@@[^@\n]*@@ )/m)
      .filter((record) => record.startsWith(`@@${this.database}@@ LOG:  duration:`))
      .map((record) => record.slice(record.indexOf('{')).replace(/^\t/gm, ''))
      .map((json) => (JSON.parse(json) as { Plan: Plan }).Plan);
  }

  private size(): number {
    const descriptor = openSync(this.file, 'r');
    const { size } = fstatSync(descriptor);
    closeSync(descriptor);
    return size;
  }

  private text(): string {
    const buffer = Buffer.alloc(this.size() - this.start);
    const descriptor = openSync(this.file, 'r');
    readSync(descriptor, buffer, 0, buffer.length, this.start);
    closeSync(descriptor);
    return buffer.toString('utf8');
  }
}

function scans(plan: Plan): { kind: string; relation: string | undefined; index: string | undefined }[] {
  const relation = plan['Relation Name'];
  const kind = plan['Node Type'] === 'ModifyTable' ? `ModifyTable:${relation}` : plan['Node Type'];
  return [{ kind, relation, index: plan['Index Name'] }, ...(plan.Plans ?? []).flatMap(scans)];
}

/** Pages that the statement looked at, in memory or on disk. */
const buffersOf = (plan: Plan) => plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];

function medianBuffers(plans: readonly Plan[]): number {
  const sorted = plans.map(buffersOf).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function updates(database: Client): Promise<{ all: number; heapOnly: number }> {
  const { rows } = await database.query<{ n_tup_upd: string; n_tup_hot_upd: string }>(
    `SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'authorizations'`,
  );
  return { all: Number(rows[0]?.n_tup_upd), heapOnly: Number(rows[0]?.n_tup_hot_upd) };
}
