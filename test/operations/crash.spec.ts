import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { BuiltProcess } from '../support/built-process.js';
import type { HttpBrowser } from '../support/http-browser.js';
import { World, type Answer, type TestClient } from '../support/world.js';

const PEOPLE = 8;
const EACH = 25;
const AT_ONCE = 10;
/** Within this time after a rotation the former token gives the same successor again (milliseconds). */
const WINDOW = 10_000;

/** One signed-in program somewhere: what it holds, and what came of its last refresh. */
interface Holder {
  readonly client: TestClient;
  refreshToken: string;
  /** Undefined when the answer was lost. */
  answer?: Answer | undefined;
}

describe('kill -9 of the server in the middle of 200 concurrent refreshes, then restart', () => {
  let world: World;
  let database: Client;
  let server: BuiltProcess;
  let holders: Holder[];
  /** Refreshes that were done although their answer was lost, in all rounds. */
  let doneAndLost = 0;

  beforeAll(async () => {
    world = await World.start();
    holders = await signInEverywhere();
    // from here on the compiled server runs, on the same database and port
    await world.app.close();
    database = new Client({ connectionString: world.database.url });
    await database.connect();
    server = await startServer();
  }, 120_000);

  afterAll(async () => {
    await server?.stop('SIGKILL');
    await database?.end();
    await world?.database.drop();
  });

  async function signInEverywhere(): Promise<Holder[]> {
    const client = world.client('projects');
    const browsers: HttpBrowser[] = [];
    for (let person = 0; person < PEOPLE; person += 1) {
      await world.createPerson(`person${person}@acme.example`, `Person ${person}`, { acme: 'member' });
      browsers.push(await world.signIn(`person${person}@acme.example`));
    }
    const waiting = browsers.flatMap((browser) => Array.from({ length: EACH }, () => browser));
    const signedIn: Holder[] = [];
    while (waiting.length > 0) {
      const some = waiting.splice(0, AT_ONCE).map(async (browser) => {
        const { body } = await world.exchange(client, await world.code(client, browser));
        return { client, refreshToken: String(body['refresh_token']) };
      });
      signedIn.push(...(await Promise.all(some)));
    }
    return signedIn;
  }

  async function startServer(): Promise<BuiltProcess> {
    const started = new BuiltProcess('dist/apps/server/main.js', { env: world.env });
    await started.answers(`${world.url}/health/ready`);
    return started;
  }

  const refresh = ({ client, refreshToken }: Holder) => world.refresh(client, refreshToken);

  /** Everybody refreshes at once; the server dies as soon as `answers` of them have theirs, and some have none. */
  async function killAmidRefreshes(answers: number): Promise<void> {
    await refreshAndKill(answers);
    if (holders.some(({ answer }) => !answer)) return;
    // the last answers overtook the signal: again, with what came of it
    for (const holder of holders) if (holder.answer) keep(holder, holder.answer);
    server = await startServer();
    await killAmidRefreshes(answers);
  }

  async function refreshAndKill(answers: number): Promise<void> {
    let count = 0;
    await Promise.all(
      holders.map(async (holder) => {
        holder.answer = await refresh(holder).catch(() => undefined);
        if (holder.answer && (count += 1) === answers) server.signal('SIGKILL');
      }),
    );
    expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' });
  }

  /** Sets when every refresh token was replaced, from which the window is counted. */
  const rotatedAt = (milliseconds: number) =>
    database.query('UPDATE authorizations SET rotated_at = $1', [new Date(milliseconds)]);

  /** What the database holds of each authorization, by the id inside its tokens. */
  async function generations(): Promise<Map<string, { state: string; generation: number }>> {
    const { rows } = await database.query<{ id: string; state: string; generation: number }>(
      'SELECT id, state, generation FROM authorizations',
    );
    return new Map(rows.map(({ id, ...row }) => [id, row]));
  }

  it.each([1, 60, 120, 180])(
    'when %i of them were answered, whoever was answered goes on, whoever was not goes on by asking again, and nobody is logged out',
    async (answers) => {
      await killAmidRefreshes(answers);
      const answered = holders.filter(({ answer }) => answer);
      const lost = holders.filter(({ answer }) => !answer);
      expect(answered.length).toBeGreaterThanOrEqual(answers);
      expect(new Set(answered.map(({ answer }) => answer?.status))).toEqual(new Set([200]));
      doneAndLost += await countDone(lost);

      // the window is open for as long as a busy machine needs
      await rotatedAt(Date.now() + 300_000);
      server = await startServer();
      // two at once, as two tabs would: both get the same
      const retries = await Promise.all(
        lost.map((holder) => Promise.all([refresh(holder), refresh(holder)])),
      );
      const repeated = await Promise.all(answered.map(refresh));

      retries.forEach(([one, two], index) => {
        expect([one.status, two.status]).toEqual([200, 200]);
        expect(two.body['refresh_token']).toBe(one.body['refresh_token']);
        keep(lost[index], one);
      });
      // the answer that came, asked for once more, is the same answer: it had no second successor
      repeated.forEach(({ status, body }, index) => {
        const answer = answered[index]?.answer;
        expect([status, body['refresh_token']]).toEqual([200, answer?.body['refresh_token']]);
        if (answer) keep(answered[index], answer);
      });
      await expectOneLiveSuccessorEach();
    },
    60_000,
  );

  it('among the lost answers were some of refreshes that had been done', () => {
    expect(doneAndLost).toBeGreaterThan(0);
  });

  it('and once the window has closed, a token from before it is worth nothing', async () => {
    const [holder] = holders;
    if (!holder) throw new Error('nobody is signed in');
    const before = holder.refreshToken;
    keep(holder, await refresh(holder));
    await rotatedAt(Date.now() - WINDOW - 1000);
    expect(await world.refresh(holder.client, before)).toMatchObject({
      status: 400,
      body: { error: 'invalid_grant' },
    });
  });

  async function countDone(lost: readonly Holder[]): Promise<number> {
    const rows = await generations();
    return lost.filter(({ refreshToken }) => {
      const { id, generation } = read(refreshToken);
      return rows.get(id)?.generation === generation + 1;
    }).length;
  }

  async function expectOneLiveSuccessorEach(): Promise<void> {
    const rows = await generations();
    const held = holders.map(({ refreshToken }) => read(refreshToken));
    expect(new Set(held.map(({ id }) => id)).size).toBe(PEOPLE * EACH);
    expect(held.map(({ id }) => rows.get(id))).toEqual(
      held.map(({ generation }) => ({ state: 'active', generation })),
    );
    // and the server says so itself: what each holds is alive
    const said = await Promise.all(
      holders.map(({ client, refreshToken }) => world.introspect(client, refreshToken)),
    );
    expect(said.filter(({ body }) => body['active'] !== true)).toEqual([]);
  }
});

function keep(holder: Holder | undefined, { body }: Answer): void {
  if (holder) holder.refreshToken = String(body['refresh_token']);
}

/** A refresh token is `kid.authorization id.generation.row secret.MAC`. */
function read(token: string): { id: string; generation: number } {
  const [, id = '', generation = ''] = token.split('.');
  const hex = Buffer.from(id, 'base64url').toString('hex');
  return {
    id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    generation: Number(generation),
  };
}
