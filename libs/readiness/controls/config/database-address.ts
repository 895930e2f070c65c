import { isIP } from 'node:net';
import { Client } from 'pg';

export interface DatabaseAddress {
  /** A host name, an address, or the folder of a socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  readonly sslMode: string;
}

/** Reads a connection string as the driver itself reads it. @throws Error when it is none */
export function parseDatabaseUrl(url: string): DatabaseAddress {
  const { host, port, database, user, password } = new Client({ connectionString: url });
  const [, mode] = /[?&]sslmode=([a-z-]+)/.exec(url) ?? [];
  return {
    host,
    port,
    database: database ?? '',
    user: user ?? '',
    password: typeof password === 'string' ? password : '',
    sslMode: mode ?? 'disable',
  };
}

/** Whether traffic to the host stays on this machine. */
export function isLoopback(host: string): boolean {
  if (host.startsWith('/')) return true; // a socket's folder
  const name = host.replace(/^\[|\]$/g, '');
  if (isIP(name) === 4) return name.startsWith('127.');
  return name === '::1' || name === 'localhost' || name.endsWith('.localhost');
}
