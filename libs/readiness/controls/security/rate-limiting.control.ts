import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisConnection } from '#platform';
import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import type { ControlContext } from '../../control-context.js';
import type { ProbeResponse } from '../../http-probe.js';
import type { ProbeFlows } from '../../probe-flows.js';
import { probeAddresses } from '../../probe-address.js';
import { KEY_PREFIX } from '../config/redis-evidence.js';

/** A limit above this limits nobody, and is more than a probe should try. */
const MOST_TRIES = 10_000;
/** Four tries every 16 ms: 6,000 take half a minute, and others hardly feel it. */
const AT_A_TIME = 4;
const PAUSE = 16;

/** One try beyond the limit is told to wait, and every node counts the same tries. */
export const rateLimiting: Control = {
  id: 'security.auth.rate-limiting',
  kind: 'probe',
  timeout: seconds(58),
  interval: minutes(6 * 60),
  async verify(context, signal) {
    const { configuration, listening, lockout } = context;
    const { rateLimitSignIn: signIns, rateLimitToken: tokens } = configuration;
    const mend = 'set CORE_AUTH_RATE_LIMIT_SIGN_IN and CORE_AUTH_RATE_LIMIT_TOKEN to 1…10000 and restart';
    if (!inRange(signIns) || !inRange(tokens)) {
      return failed(`limits of 1 to ${MOST_TRIES} per minute`, `sign-in ${signIns}, token ${tokens}`, mend);
    }
    // without counts that all nodes share the answer is known, and no flood is needed for it
    if (!context.redis.configured || !context.redis.ready) {
      const lack = context.redis.configured ? 'Redis is not connected' : 'set REDIS_URL';
      return unknown('limits are configured', `counts that all nodes share: ${lack}`);
    }
    const addresses = listening && probeAddresses(listening, 2);
    if (!addresses)
      return unknown(
        'limits are configured',
        'an address of its own to try from: the server is not on loopback',
      );
    const [from = '', other = ''] = addresses;
    const flows = await context.flows(signal);
    const tried: string[] = [];
    const before = await countsAbove(context.redis, tokens);
    try {
      const token = await firstLimited(tokens + 1, () => badToken(context, flows, from, signal));
      const signIn = await firstLimited(signIns + 1, async () => {
        // each try another account, and none counted against the address, so that no lockout answers in the limit's place
        const email = `nobody-${tried.length}-${flows.identity.email}`;
        tried.push(email);
        const answer = await flows.submitSignIn(flows.browser({ from }), { email, password: 'wrong' });
        await lockout.forget(email, [from]);
        return answer;
      });
      const seen = `token: ${describe(token)}; sign-in: ${describe(signIn)}`;
      if (!token?.headers['retry-after'] || !signIn?.headers['retry-after']) {
        return failed(
          `429 with Retry-After within ${tokens + 1} token and ${signIns + 1} sign-in tries`,
          seen,
          mend,
        );
      }
      const elsewhere = await badToken(context, flows, other, signal);
      if (elsewhere.status === 429) return failed('another address not limited with it', 'also 429', mend);
      return await shared(context, before, seen);
    } finally {
      for (const email of tried) await lockout.forget(email, [from]);
    }
  },
};

const inRange = (limit: number): boolean => limit >= 1 && limit <= MOST_TRIES;

function describe(response: ProbeResponse | undefined): string {
  return response
    ? `${response.status}, Retry-After ${response.headers['retry-after'] ?? 'absent'}`
    : 'never 429';
}

/** The first 429 of `count` tries, a few at a time. */
async function firstLimited(
  count: number,
  attempt: () => Promise<ProbeResponse>,
): Promise<ProbeResponse | undefined> {
  for (let done = 0; done < count; done += AT_A_TIME) {
    const answers = await Promise.all(Array.from({ length: Math.min(AT_A_TIME, count - done) }, attempt));
    const limited = answers.find(({ status }) => status === 429);
    if (limited) return limited;
    await sleep(PAUSE);
  }
  return undefined;
}

/** Straight to this process: what stands before it would come with one address for all. */
function badToken({ http, listening }: ControlContext, flows: ProbeFlows, from: string, signal: AbortSignal) {
  const credentials = Buffer.from(`${flows.identity.clientId}:wrong`).toString('base64');
  return http.request(new URL('/oauth2/token', listening), {
    from,
    signal,
    form: { grant_type: 'client_credentials' },
    headers: { authorization: `Basic ${credentials}` },
  });
}

/** What this node counted has to lie where the others read it: a counter above the limit that was not there before. */
async function shared({ redis, configuration }: ControlContext, before: ReadonlySet<string>, seen: string) {
  const after = await countsAbove(redis, configuration.rateLimitToken);
  if ([...after].every((key) => before.has(key)))
    return unknown(seen, "the probe's count in Redis, where other nodes would read it");
  return verified(`${seen}; counted in Redis for all nodes`);
}

async function countsAbove(redis: RedisConnection, limit: number): Promise<Set<string>> {
  const found = new Set<string>();
  if (!redis.ready) return found;
  let cursor = 0;
  do {
    const page = await redis.run((client) =>
      client.scan(cursor, { MATCH: `${KEY_PREFIX}rate-limit:token:*`, COUNT: 200 }),
    );
    for (const key of page.keys) {
      if (Number(await redis.run((client) => client.get(key))) > limit) found.add(key);
    }
    cursor = page.cursor;
  } while (cursor !== 0);
  return found;
}
