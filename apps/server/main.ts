import 'reflect-metadata';
import { endLog } from '#observability';
import { Configuration, ConfigurationError } from '#platform';
import { createServer } from './server.js';

/** How long a reader who takes nothing is waited for. */
const PATIENCE_MS = 10_000;

/** Starts the server; whatever keeps it from starting is said in one message, and the exit code is 1. */
async function main(): Promise<void> {
  const configuration = Configuration.load(process.env);
  const server = await createServer(configuration);
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    server.close().then(() => end(0), fail);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  // a parent that started us over IPC and died leaves no orphan behind
  process.on('disconnect', stop);
  await server.listen(configuration.port, configuration.host);
}

main().catch(fail);

function fail(error: unknown): void {
  process.stderr.write(`${explain(error)}\n`);
  void end(1);
}

/** Exits once everything that was said and logged is written: what a full pipe has not taken is lost by an exit. */
async function end(code: number): Promise<void> {
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), PATIENCE_MS);
  const said = new Promise((resolve) => process.stderr.write('', resolve));
  await Promise.all([endLog(), said]);
  process.exit(code);
}

/** SQLSTATE of PostgreSQL's appendix A. */
const UNDEFINED_TABLE = '42P01';

function explain(error: unknown): string {
  if (error instanceof ConfigurationError) return error.message;
  const { code, message, port } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE')
    return `Port ${port ?? ''} is in use. Stop what listens there, or set PORT to another.`;
  if (code === 'ECONNREFUSED' || code === 'ENOTFOUND') {
    return `PostgreSQL cannot be reached (${message}). Check DATABASE_URL.`;
  }
  if (code === UNDEFINED_TABLE) {
    return 'The database has not been migrated. Run: node dist/apps/cli/main.js migrate';
  }
  return error instanceof Error ? (error.stack ?? message) : String(error);
}
