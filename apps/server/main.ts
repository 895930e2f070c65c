import 'reflect-metadata';
import { Configuration, ConfigurationError } from '#platform';
import { createServer } from './server.js';

/** Starts the server; whatever keeps it from starting is said in one message, and the exit code is 1. */
async function main(): Promise<void> {
  const configuration = Configuration.load(process.env);
  const server = await createServer(configuration);
  // a parent that started us over IPC and died leaves no orphan behind
  process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  await server.listen(configuration.port, configuration.host);
}

main().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`);
  process.exit(1);
});

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
