import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MailRepository, MailSender } from '#events';
import { Database, MailSealer, sql, type Mail } from '#platform';
import { Sweeper } from '../../apps/server/sweeper.js';
import { makeCertificate } from '../readiness/certificate.js';
import { eventually } from '../support/answers.js';
import { BuiltProcess } from '../support/built-process.js';
import { MailServer } from '../support/mail-server.js';
import { freePort } from '../support/ports.js';
import { World } from '../support/world.js';

const FROM = 'Core Auth <no-reply@auth.example>';
const TO = 'ada@acme.example';
const DAY = 86_400_000;

interface Row {
  readonly attempts: number;
  readonly next: Date;
  readonly leased: boolean;
  readonly sent: boolean;
  readonly failed: boolean;
  readonly envelope: string | null;
  readonly error: string | null;
}

/** Queues a mail as every act does. @returns its id */
async function queue(world: World, mail: Partial<Mail> = {}): Promise<string> {
  const sealed = world.app
    .get(MailSealer)
    .seal({ to: TO, subject: 'A notice', paragraphs: ['Something happened.'], ...mail });
  await world.app
    .get(Database)
    .query(sql`INSERT INTO mails (id, mail_envelope) VALUES (${sealed.id}, ${sealed.envelope})`);
  return sealed.id;
}

async function rowOf(world: World, id: string): Promise<Row | undefined> {
  const [row] = await world.app.get(Database).query<Row>(sql`
    SELECT attempts, next_attempt_at AS next, leased_until IS NOT NULL AS leased, sent_at IS NOT NULL AS sent, failed_at IS NOT NULL AS failed, mail_envelope AS envelope,
           last_error AS error
      FROM mails WHERE id = ${id}`);
  return row;
}

const when = (world: World, id: string, is: (row: Row) => boolean) =>
  eventually(async () => {
    const row = await rowOf(world, id);
    return row && is(row) ? row : undefined;
  }, `mail ${id}`);

describe('mail', () => {
  let server: MailServer;
  let world: World;
  beforeAll(async () => {
    server = await MailServer.start();
    world = await World.start({ env: { CORE_AUTH_SMTP_URL: server.url, CORE_AUTH_MAIL_FROM: FROM } });
  }, 60_000);
  beforeEach(() => world.clock.set(new Date()));
  afterEach(() => {
    server.received.length = 0;
    server.refusals.length = 0;
  });
  afterAll(async () => {
    await world.stop();
    await server.stop();
  });

  const arrives = () => eventually(() => server.received[0], 'a mail');

  it('arrives as text and HTML under the sender of the installation, and what it said is forgotten', async () => {
    const id = await queue(world, {
      subject: 'Grüße',
      paragraphs: ['Hello <b>Ada</b>.', { label: 'Go on', url: 'https://auth.example/x?token=secret' }],
    });
    const { from, to, parsed } = await arrives();
    expect({ from, to }).toEqual({ from: 'no-reply@auth.example', to: [TO] });
    expect(parsed.from?.value).toEqual([{ name: 'Core Auth', address: 'no-reply@auth.example' }]);
    expect(parsed.subject).toBe('Grüße');
    expect(parsed.text).toBe('Hello <b>Ada</b>.\n\nGo on:\nhttps://auth.example/x?token=secret\n');
    expect(parsed.html).toContain('Hello &lt;b&gt;Ada&lt;/b&gt;.');
    expect(parsed.headers.get('auto-submitted')).toBe('auto-generated');
    const row = await when(world, id, ({ sent }) => sent);
    expect(row).toMatchObject({ attempts: 1, envelope: null, error: null });
  });

  it('a server that is busy delays it and sees the same Message-ID again', async () => {
    server.refusals.push({ at: 'DATA', code: 451, text: 'try again later' });
    const id = await queue(world);
    const first = await when(world, id, ({ error }) => error !== null);
    expect(first).toMatchObject({ attempts: 1, sent: false, failed: false, error: '451 to DATA' });
    world.clock.advance(10_000);
    const { parsed } = await arrives();
    expect(parsed.messageId).toBe(`<${id}@auth.example>`);
    await when(world, id, ({ sent }) => sent);
  });

  it('a server that is down delays it and loses nothing', async () => {
    const { port } = server;
    await server.stop();
    const id = await queue(world);
    await when(world, id, ({ error }) => error !== null);
    world.clock.advance(10_000);
    await when(world, id, ({ attempts, error }) => attempts === 2 && error !== null);
    server = await MailServer.start({ port });
    expect(await rowOf(world, id)).toMatchObject({ sent: false, failed: false });
    world.clock.advance(20_000);
    expect((await arrives()).to).toEqual([TO]);
    await when(world, id, ({ sent }) => sent);
  });

  it.each([
    {
      at: 'RCPT TO',
      code: 550,
      text: '5.1.1 <ada@acme.example> is unknown here',
      reason: '550 5.1.1 to RCPT TO',
    },
    { at: 'DATA', code: 554, text: 'no <ada@acme.example>', reason: '554 to DATA' },
  ] as const)(
    'what the server will never take is given up at once and on record: $code at $at',
    async (refusal) => {
      server.refusals.push(refusal);
      const id = await queue(world);
      const row = await when(world, id, ({ failed }) => failed);
      expect(row).toMatchObject({ attempts: 1, sent: false, error: refusal.reason });
      const audited = await world.app
        .get(Database)
        .query(sql`SELECT act, actor, result, detail FROM audit_events WHERE target = ${id}`);
      expect(audited).toEqual([
        { act: 'mail.give-up', actor: 'system', result: 'failure', detail: { reason: refusal.reason } },
      ]);
    },
  );

  it('that the server refuses the sender is no matter of the mail: it waits until somebody mends it', async () => {
    server.refusals.push({ at: 'MAIL FROM', code: 553, text: 'not your address' });
    const id = await queue(world);
    expect(await when(world, id, ({ error }) => error !== null)).toMatchObject({
      failed: false,
      error: '553 to MAIL FROM',
    });
    world.clock.advance(10_000);
    await when(world, id, ({ sent }) => sent);
  });

  it('is given up after a day, in which it is tried less and less often', async () => {
    const { port } = server;
    await server.stop();
    const id = await queue(world);
    const waits: number[] = [];
    let row = await when(world, id, ({ leased, attempts }) => attempts === 1 && !leased);
    while (!row.failed && waits.length < 60) {
      const { next, attempts } = row;
      waits.push((next.getTime() - world.clock.now().getTime()) / 1000);
      world.clock.set(next);
      world.app.get(MailSender).wake();
      row = await when(world, id, (now) => now.attempts > attempts && !now.leased);
    }
    server = await MailServer.start({ port });
    expect(row.failed).toBe(true);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(9);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3600);
    expect(waits.reduce((sum, wait) => sum + wait, 0)).toBeGreaterThan(79_000);
    expect(waits.length).toBeGreaterThan(24);
  }, 120_000);

  it('one that its sender died with is sent by another', async () => {
    const sealed = world.app.get(MailSealer).seal({ to: TO, subject: 'A notice', paragraphs: [] });
    const until = new Date(world.clock.now().getTime() + 120_000);
    await world.app.get(Database).query(sql`
      INSERT INTO mails (id, mail_envelope, attempts, leased_until, next_attempt_at)
      VALUES (${sealed.id}, ${sealed.envelope}, 1, ${until}, ${until})`);
    const { id } = sealed;
    await when(world, await queue(world), ({ sent }) => sent);
    expect(await rowOf(world, id)).toMatchObject({ attempts: 1, sent: false });
    world.clock.advance(120_000);
    await when(world, id, ({ sent }) => sent);
  });

  it('two nodes send each once', async () => {
    const node = await World.start({
      beside: world,
      env: { CORE_AUTH_SMTP_URL: server.url, CORE_AUTH_MAIL_FROM: FROM },
    });
    const ids = await Promise.all(
      Array.from({ length: 60 }, (_, index) => queue(world, { to: `p${index}@acme.example` })),
    );
    for (const id of ids) await when(world, id, ({ sent }) => sent);
    await node.stop();
    expect(server.received.map(({ to }) => to[0]).sort()).toEqual(
      ids.map((_, index) => `p${index}@acme.example`).sort(),
    );
  });

  it('no recipient and no text of a mail becomes a header or another recipient', async () => {
    const hostile = [
      `${TO}\r\nRCPT TO:<eve@evil.example>`,
      `${TO}, eve@evil.example`,
      `group:${TO},eve@evil.example;`,
      `eve@evil.example <${TO}>`,
    ];
    for (const to of hostile) {
      const id = await queue(world, { to });
      expect(await when(world, id, ({ failed }) => failed)).toMatchObject({ error: 'no address' });
    }
    expect(server.received).toEqual([]);
    const injected = 'Notice\r\nBcc: eve@evil.example\r\n\r\nAnother text';
    await queue(world, { subject: injected, paragraphs: [injected] });
    const { raw, to, parsed } = await arrives();
    expect(to).toEqual([TO]);
    expect(parsed.bcc).toBeUndefined();
    expect(raw).not.toMatch(/^Bcc:/im);
    expect(parsed.subject).toBe('Notice Bcc: eve@evil.example Another text');
  });

  it('a week after it was settled nothing is left of it', async () => {
    const id = await queue(world);
    await when(world, id, ({ sent }) => sent);
    world.clock.advance(7 * DAY - 60_000);
    await world.app.get(Sweeper).sweep();
    expect(await rowOf(world, id)).toBeDefined();
    world.clock.advance(120_000);
    await world.app.get(Sweeper).sweep();
    expect(await rowOf(world, id)).toBeUndefined();
  });
});

describe('mail in production', () => {
  let world: World;
  let folder: string;
  const certificate = makeCertificate({ notAfter: new Date(Date.now() + DAY) });
  const running: (BuiltProcess | MailServer)[] = [];
  beforeAll(async () => {
    world = await World.start();
    folder = mkdtempSync(join(tmpdir(), 'core-auth-mail-'));
    writeFileSync(join(folder, 'ca.pem'), certificate.cert);
  }, 60_000);
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop();
  });
  afterAll(async () => {
    await world.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const mailServer = async (...options: Parameters<typeof MailServer.start>) => {
    const server = await MailServer.start(...options);
    running.push(server);
    return server;
  };
  const node = async (env: Readonly<Record<string, string>>, at?: number) => {
    const port = at ?? (await freePort());
    const process = new BuiltProcess('dist/apps/server/main.js', {
      env: {
        NODE_ENV: 'production',
        HOST: '127.0.0.1',
        PORT: String(port),
        CORE_AUTH_URL: 'https://auth.example',
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'] ?? '',
        LOG_LEVEL: 'warn',
        ...env,
      },
    });
    running.push(process);
    await process.answers(`http://127.0.0.1:${port}/health/live`);
    return process;
  };
  const sending = (server: MailServer, trusts: boolean) =>
    node({
      CORE_AUTH_SMTP_URL: server.url,
      CORE_AUTH_MAIL_FROM: FROM,
      ...(trusts ? { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') } : {}),
    });
  const user = { name: 'core auth', password: 'p@ss/word' };

  it('of several that lease at one moment each gets other mails', async () => {
    const repository = world.app.get(MailRepository);
    for (let round = 0; round < 10; round += 1) {
      for (let count = 0; count < 40; count += 1) await queue(world);
      const leases = await Promise.all(Array.from({ length: 8 }, () => repository.lease(5)));
      const ids = leases.flat().map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      await world.app.get(Database).query(sql`DELETE FROM mails`);
    }
  });

  it.each([
    ['STARTTLS', false],
    ['TLS from the start', true],
  ])('goes by %s, with the password of the mail server', async (_, fromTheStart) => {
    const server = await mailServer({ tls: { ...certificate, fromTheStart }, user });
    await sending(server, true);
    const id = await queue(world);
    const { secure } = await eventually(() => server.received[0], 'a mail');
    expect(secure).toBe(true);
    await when(world, id, ({ sent }) => sent);
  });

  it('goes to no server without TLS, and to none that nobody vouches for', async () => {
    for (const server of [await mailServer(), await mailServer({ tls: certificate })]) {
      const sender = await sending(server, false);
      const id = await queue(world);
      const { error } = await when(world, id, ({ error }) => error !== null);
      expect(error).toMatch(/^E(TLS|SOCKET)|^\d{3}/);
      expect([server.tries, server.received]).toEqual([0, []]);
      await sender.stop();
      await world.app.get(Database).query(sql`DELETE FROM mails WHERE id = ${id}`);
    }
  });

  it('a password that the mail server refuses delays it, and no log shows it', async () => {
    const server = await mailServer({ tls: certificate, user });
    const sender = await node({
      CORE_AUTH_SMTP_URL: server.url.replace('p%40ss', 'another'),
      CORE_AUTH_MAIL_FROM: FROM,
      NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem'),
    });
    const id = await queue(world);
    const row = await when(world, id, ({ error }) => error !== null);
    expect(row).toMatchObject({ failed: false, error: expect.stringMatching(/^535/) });
    await sender.says(new RegExp(`mail ${id} was not sent`));
    expect(sender.output).not.toMatch(/another|word|ada@acme/);
    await world.app.get(Database).query(sql`DELETE FROM mails WHERE id = ${id}`);
  });

  it('what waited for the mailbox page does not leave once there is a mail server; what was queued lately does', async () => {
    const database = world.app.get(Database);
    await database.query(sql`DELETE FROM mails`);
    const [old, fresh] = [await queue(world), await queue(world)];
    await database.query(sql`UPDATE mails SET created_at = now() - interval '61 minutes' WHERE id = ${old}`);
    const server = await mailServer();
    const env = { CORE_AUTH_SMTP_URL: server.url, CORE_AUTH_MAIL_FROM: FROM };
    const first = await World.start({ beside: world, env });
    await when(world, fresh, ({ sent }) => sent);
    expect(server.received).toHaveLength(1);
    expect(await rowOf(world, old)).toMatchObject({ failed: true, attempts: 0 });
    const act = sql`SELECT act, result FROM audit_events WHERE target = ${old}`;
    expect(await database.query(act)).toEqual([{ act: 'mail.give-up', result: 'failure' }]);
    await first.stop();
    // whoever sends mail had it lie because nobody was there to send it
    const late = await queue(world);
    await database.query(sql`UPDATE mails SET created_at = now() - interval '2 hours' WHERE id = ${late}`);
    const second = await World.start({ beside: world, env });
    await when(world, late, ({ sent }) => sent);
    await second.stop();
  });

  it('without a mail server the start says what will not work, and there is no mailbox', async () => {
    const port = await freePort();
    const process = await node({}, port);
    await process.says(/No mail leaves: CORE_AUTH_SMTP_URL is not set\. Nobody can register, be invited, /);
    expect((await fetch(`http://127.0.0.1:${port}/mailbox`)).status).toBe(404);
  });

  it.each([
    [{ CORE_AUTH_SELF_REGISTRATION: 'on' }, 'CORE_AUTH_SELF_REGISTRATION needs CORE_AUTH_SMTP_URL'],
    [{ CORE_AUTH_SMTP_URL: 'smtp://mail.example' }, 'CORE_AUTH_MAIL_FROM is not set'],
    [
      { CORE_AUTH_SMTP_URL: 'smtp://mail.example?tls.rejectUnauthorized=false' },
      'CORE_AUTH_SMTP_URL must be smtp:',
    ],
    [{ CORE_AUTH_MAIL_FROM: 'Eve\r\nBcc: x <a@b>' }, 'CORE_AUTH_MAIL_FROM must be an address'],
  ])('%j stops the start', async (env: Record<string, string>, sentence) => {
    const process = new BuiltProcess('dist/apps/server/main.js', {
      env: {
        NODE_ENV: 'production',
        CORE_AUTH_URL: 'https://auth.example',
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: `test:${randomBytes(32).toString('base64url')}`,
        ...env,
      },
    });
    expect((await process.ended).code).toBe(1);
    expect(process.output).toContain(sentence);
  });
});
