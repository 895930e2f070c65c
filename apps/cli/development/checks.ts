import { createServer } from 'node:net';
import { Client } from 'pg';
import { createClient } from 'redis';
import { LaunchError, systemReason } from './launch-error.js';

/** @throws LaunchError that names the port and the setting that moves it */
export async function requireFreePorts(
  host: string,
  ports: readonly { readonly setting: string; readonly port: number }[],
): Promise<void> {
  for (const { setting, port } of ports) {
    // a browser that looks up "localhost" may be given either address
    const addresses = host === '127.0.0.1' ? ['127.0.0.1', '::1'] : [host];
    for (const address of addresses) {
      const code = await listenProblem(address, port);
      if (code === 'EADDRINUSE') {
        throw new LaunchError(
          `Port ${port} is taken by another program. Stop that one, or set ${setting} to a free port.`,
        );
      }
      if (code === 'EACCES') {
        throw new LaunchError(
          `Port ${port} may not be used by this user. Set ${setting} to a port above 1023.`,
        );
      }
      if (code && address === host) {
        throw new LaunchError(
          `HOST ${host} cannot be listened on (${code}). Set HOST to an address of this machine.`,
        );
      }
    }
  }
}

function listenProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

const REFUSALS: Readonly<Record<string, string>> = {
  '28P01': 'the password is wrong',
  '28000': 'this user may not connect',
  '3D000': 'there is no such database',
  '53300': 'the server has no connection left',
  '57P03': 'the server is starting up or shutting down',
};

/** @throws LaunchError when a PostgreSQL does not let us in; the sentence holds no password */
export async function requireDatabase(url: string, timeout: number): Promise<void> {
  const where = address(url, 'DATABASE_URL');
  const client = new Client({ connectionString: url, connectionTimeoutMillis: timeout });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
  } catch (error) {
    const { code, message } = cause(error);
    const reason =
      REFUSALS[code ?? ''] ??
      (message.includes('timeout') ? 'no answer in time' : systemReason(cause(error)));
    throw new LaunchError(`DATABASE_URL (${where}) cannot be used: ${reason}.`, { cause: error });
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @throws LaunchError when no Redis answers */
export async function requireRedis(url: string, timeout: number): Promise<void> {
  const where = address(url, 'REDIS_URL');
  const client = createClient({ url, socket: { connectTimeout: timeout, reconnectStrategy: false } });
  client.on('error', () => undefined);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer in time')), timeout);
  });
  try {
    await Promise.race([client.connect().then(() => client.ping()), late]);
  } catch (error) {
    throw new LaunchError(`REDIS_URL (${where}) cannot be used: ${systemReason(cause(error))}.`, {
      cause: error,
    });
  } finally {
    clearTimeout(timer);
    if (client.isOpen) await client.disconnect().catch(() => undefined);
  }
}

/** Host, port and database of a connection string, without user and password. */
function address(text: string, setting: string): string {
  try {
    const url = new URL(text);
    const socket = url.searchParams.get('host');
    return `${socket ?? url.host}${url.pathname === '/' ? '' : url.pathname}`;
  } catch (error) {
    throw new LaunchError(`${setting} is not a URL.`, { cause: error });
  }
}

/** Node reports a host with several addresses as one error of many. */
function cause(error: unknown): NodeJS.ErrnoException {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return error.errors[0];
  return error instanceof Error ? error : new Error(String(error));
}
