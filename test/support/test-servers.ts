import 'reflect-metadata';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource } from 'typeorm';
import { migrations } from '#migrations';
import { EmbeddedPostgres } from '../../apps/cli/development/embedded-postgres.js';
import { clearPostmasterFile } from '../../apps/cli/development/postmaster-file.js';
import { startedAt } from '../../apps/cli/development/processes.js';
import { RedisServer, stopRedisIn } from './redis.js';

const PREFIX = 'core-auth-test-';
const OWNER_FILE = 'owner.json';
/** A file system in memory, on Linux: a database is copied there in a twentieth of the time. */
const MEMORY = '/dev/shm';
/** A run needs about a quarter of it. */
const MEMORY_NEEDED = 2 * 1024 ** 3;

/** Separates the statement log's records, see statement-log.ts. */
export const LOG_LINE_PREFIX = '@@%d@@ ';
export const TEMPLATE_DATABASE = 'template_migrated';

/**
 * The PostgreSQL and the Redis of one test run; specs find them through the environment. All temporary files of the
 * run lie in its folder.
 */
export async function startTestServers(): Promise<{ stop: () => Promise<void> }> {
  for (const place of [tmpdir(), MEMORY]) await sweepEarlierRuns(place);
  const folder = mkdtempSync(join(isRoomInMemory() ? MEMORY : tmpdir(), PREFIX));
  writeFileSync(join(folder, OWNER_FILE), JSON.stringify({ pid: process.pid, born: startedAt(process.pid) }));
  process.env['TMPDIR'] = join(folder, 'tmp');
  mkdirSync(process.env['TMPDIR']);
  const [postgres, redis] = await Promise.all([
    startPostgres(folder),
    RedisServer.start({ folder: join(folder, 'redis') }),
  ]);
  process.env['TEST_POSTGRES_SOCKET'] = postgres.socketFolder;
  process.env['TEST_POSTGRES_LOG'] = join(folder, 'postgres.log');
  process.env['TEST_REDIS_URL'] = redis.url;
  return {
    async stop() {
      await Promise.all([postgres.stop(), redis.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function startPostgres(folder: string): Promise<EmbeddedPostgres> {
  const postgres = await EmbeddedPostgres.start({
    dataFolder: join(folder, 'postgres', 'data'),
    logFile: join(folder, 'postgres.log'),
    settings: {
      fsync: 'off',
      synchronous_commit: 'off',
      full_page_writes: 'off',
      max_wal_size: '256MB',
      max_connections: '300',
      log_line_prefix: LOG_LINE_PREFIX,
    },
  });
  await makeTemplate(postgres);
  return postgres;
}

/** Migrated once; a spec's database is a copy of it. */
async function makeTemplate(postgres: EmbeddedPostgres): Promise<void> {
  const maintenance = new DataSource({ type: 'postgres', url: postgres.url('postgres') });
  await maintenance.initialize();
  await maintenance.query(`CREATE DATABASE ${TEMPLATE_DATABASE}`);
  await maintenance.destroy();
  const template = new DataSource({ type: 'postgres', url: postgres.url(TEMPLATE_DATABASE), migrations });
  await template.initialize();
  await template.runMigrations({ transaction: 'each' });
  await template.destroy();
}

/** A test run that was killed could not end its servers or remove its folder. */
async function sweepEarlierRuns(place: string): Promise<void> {
  if (!existsSync(place)) return;
  for (const name of readdirSync(place).filter((entry) => entry.startsWith(PREFIX))) {
    const folder = join(place, name);
    if (isOwned(folder)) continue;
    await clearPostmasterFile(join(folder, 'postgres', 'data'));
    await stopRedisIn(join(folder, 'redis'));
    rmSync(folder, { recursive: true, force: true });
  }
}

function isRoomInMemory(): boolean {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= MEMORY_NEEDED;
}

function isOwned(folder: string): boolean {
  try {
    const { pid, born } = JSON.parse(readFileSync(join(folder, OWNER_FILE), 'utf8')) as {
      pid: number;
      born?: string;
    };
    return born !== undefined && startedAt(pid) === born;
  } catch {
    return false;
  }
}
