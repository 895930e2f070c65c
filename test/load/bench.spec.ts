import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REPOSITORY } from '../support/built-process.js';
import { drive } from './driver.js';
import { HttpConnection } from './http-connection.js';
import { OPERATIONS } from './operations.js';
import { readOptions, UsageError } from './options.js';
import type { BenchRow } from './report.js';
import type { Target } from './target.js';

const run = promisify(execFile);
const KEYS = ['operation', 'perSecond', 'p99', 'statements', 'rss', 'peer', 'ratio'];

const CLIENT = { id: 'client', secret: 'secret', redirectUri: 'https://client.example/callback' };
const NOWHERE: Target = {
  ...{ title: 'nowhere', issuer: 'https://nowhere.example', port: 0, pid: 0, database: '' },
  paths: { authorize: '/', token: '/', introspect: '/', userinfo: '/', jwks: '/', discovery: '/' },
  ...{ client: CLIENT, inspector: CLIENT, sessions: [], refreshTokens: [] },
  stop: async () => undefined,
};

describe('npm run bench', () => {
  const folder = mkdtempSync(join(tmpdir(), 'core-auth-bench-spec-'));
  const bench = (...args: readonly string[]) =>
    run(process.execPath, ['test/load/bench.mjs', '--no-build', ...args], { cwd: REPOSITORY });
  let rows: readonly BenchRow[];
  let written: { stdout: string; stderr: string };

  beforeAll(async () => {
    written = await bench(
      ...['--duration', '0.3', '--rounds', '1', '--rows', '500', '--connections', '8', '--output', folder],
    );
    rows = JSON.parse(readFileSync(join(folder, 'bench.json'), 'utf8')) as BenchRow[];
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('measures every operation at both servers and writes a row of each to bench.json', () => {
    expect(rows.map(({ operation }) => operation)).toEqual(OPERATIONS.map(({ name }) => name));
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(expect.arrayContaining(KEYS));
      for (const value of [row.perSecond, row.p99, row.rss, row.peer, row.ratio]) {
        expect(value).toBeGreaterThan(0);
      }
      expect(row.ratio).toBeCloseTo(row.perSecond / row.peer, 1);
      expect(row.rss).toBeGreaterThan(20 * 2 ** 20);
    }
  });

  it.each(OPERATIONS)('$title keeps to its budget of $budget statements', ({ name, budget }) => {
    const row = rows.find(({ operation }) => operation === name);
    // the readiness checks ask something now and then; statement-budget.spec counts without them
    expect(Math.round(row?.statements ?? NaN)).toBe(budget);
  });

  it('counts what the peer asks, which remembers its clients and signs JWTs as ours does', () => {
    const statements = Object.fromEntries(
      rows.map(({ operation, peerFigures }) => [operation, peerFigures.statements]),
    );
    expect(statements).toMatchObject({ client_credentials: 0, jwks: 0, discovery: 0 });
    expect(statements['refresh']).toBeGreaterThanOrEqual(4);
    expect(statements['authorize_exchange']).toBeGreaterThanOrEqual(6);
  });

  it('writes bench.md with the ratios and the machine, prints the same, and says how far it is', () => {
    const text = readFileSync(join(folder, 'bench.md'), 'utf8');
    for (const name of [...OPERATIONS.map((operation) => operation.name), 'ratio', 'CPU µs']) {
      expect(text).toContain(name);
    }
    expect(text).toMatch(/^- Machine: .+, \d+ cores, \d+ GiB/m);
    expect(text).toContain(`Node.js ${process.version}, PostgreSQL 18`);
    expect(text).toMatch(/^- (Not pinned|Pinned): /m);
    expect(text).toContain(written.stdout.trim());
    expect(written.stderr).toMatch(/^\[0\/\d+\] /m);
  });

  it.each([
    [['--only', 'nothing'], 'There is no operation "nothing".'],
    [['--rounds', '1.5'], '--rounds must be a whole number.'],
    [['--duration', ''], '--duration must be 0.05 to 3600.'],
    [['--rows', '10000001'], '--rows must be 100 to 10000000.'],
    [['--soak', '--licensing'], '--soak, --licensing and --sign-in are runs of their own.'],
    [['--sign-in', '--licensing'], '--soak, --licensing and --sign-in are runs of their own.'],
    [['--fast'], "Unknown option '--fast'"],
  ])('%j is refused: %s', (args, message) => {
    expect(() => readOptions(args)).toThrow(UsageError);
    expect(() => readOptions(args)).toThrow(message);
  });

  it('a wrong option ends it with 1, the reason, and how it is called', async () => {
    const failure = (await bench('--fast').catch((error: unknown) => error)) as {
      code: number;
      stderr: string;
    };
    expect(failure.code).toBe(1);
    expect(failure.stderr).toContain("Unknown option '--fast'");
    expect(failure.stderr).toContain('npm run bench -- [options]');
  });

  it.each(OPERATIONS.filter(({ name }) => ['client_credentials', 'jwks', 'discovery'].includes(name)))(
    '$title: an answer that is not the expected one ends the measurement',
    async ({ prepare }) => {
      const server = createServer((_request, response) =>
        response.writeHead(500, { 'content-length': 2 }).end('{}'),
      );
      const port = await new Promise<number>((resolve) => {
        server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
      });
      const connection = await HttpConnection.open(port);
      const { journey, check } = await prepare({ ...NOWHERE, port }, connection, 1);
      await expect(check(connection)).rejects.toThrow('answered 500 instead of 200');
      await expect(drive(port, 2, 1, journey)).rejects.toThrow('answered 500 instead of 200');
      connection.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  );

  it('leaves nothing behind but what it was asked for', () => {
    expect(existsSync(join(folder, 'bench.json'))).toBe(true);
    expect(existsSync(join(REPOSITORY, 'bench.json'))).toBe(false);
  });
});
