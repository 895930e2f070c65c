import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { createApplication } from './bootstrap.js';
import { loadSettings, SettingsError, type Settings } from './settings.js';

/** Requests under way get this long to end; then connections are cut, kept ones without a request too. */
const CUT_CONNECTIONS_AFTER_MS = 3000;
/** After this long the process ends in any case. */
const SHUTDOWN_LIMIT_MS = 10_000;

try {
  await start(loadSettings(process.env));
} catch (error) {
  process.stderr.write(`reports: ${explain(error)}\n`);
  process.exit(1);
}

async function start(settings: Settings): Promise<void> {
  const app = await createApplication(settings);
  let closing = false;
  const close = (): void => {
    if (closing) return;
    closing = true;
    const server = app.getHttpServer();
    setTimeout(() => server.closeAllConnections(), CUT_CONNECTIONS_AFTER_MS).unref();
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    app.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close);
  // The launcher that started this process is gone.
  process.on('disconnect', close);
  await app.listen(settings.PORT, settings.HOST);
  new Logger('reports').log(`Reports is at ${settings.MODULE_URL}`);
}

/** One sentence that says what to do. */
function explain(error: unknown): string {
  if (error instanceof SettingsError) return error.message;
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number };
  if (code === 'EADDRINUSE') return `Port ${port} is taken: end what uses it, or set PORT to another.`;
  if (code === 'EACCES') return `Port ${port} may not be used by this account: set PORT to one above 1023.`;
  return `It could not start: ${message}`;
}
