/** A client as the driver authenticates it. */
export interface BenchClient {
  readonly id: string;
  readonly secret: string;
  readonly redirectUri: string;
}

/** A running authorization server, filled with what the operations need. */
export interface Target {
  readonly title: string;
  readonly issuer: string;
  readonly port: number;
  readonly pid: number;
  /** Name of its database. */
  readonly database: string;
  readonly paths: Readonly<Record<Endpoint, string>>;
  /** Its tokens are JWTs. */
  readonly client: BenchClient;
  /** Its access tokens are introspected and taken to userinfo. */
  readonly inspector: BenchClient;
  /** `Cookie` headers of people who are signed in, one for each connection. */
  readonly sessions: readonly string[];
  /** Refresh tokens of `client`, each of another authorization among the generated rows. */
  readonly refreshTokens: readonly string[];
  stop(): Promise<void>;
}

export type Endpoint = 'authorize' | 'token' | 'introspect' | 'userinfo' | 'jwks' | 'discovery';

export const SCOPE = 'openid profile email projects:read';
export const MACHINE_SCOPE = 'projects:read';
/** The audience of the access tokens. */
export const RESOURCE = 'https://projects.example';
/** Ours by default (seconds); the peer is given the same. */
export const LIFETIMES = {
  accessToken: 86_400,
  refreshToken: 2_592_000,
  code: 300,
  idToken: 3600,
  session: 86_400,
} as const;
/** Connections of each server's pool. */
export const POOL_SIZE = 10;

export function basicOf({ id, secret }: BenchClient): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
}
