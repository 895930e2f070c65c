import type { IncomingHttpHeaders } from 'node:http';
import type { Principal } from '../guards/principal.js';
import type { Use } from '../usage/use.js';
import type { ModuleSession } from '../session/module-session.js';

/** What a credential is read from. */
export interface KitCall {
  method: string;
  /** Path and query, as they were sent; where there is an `originalUrl`, what a router has left of them. */
  url: string;
  /** As they were sent, where routers shorten `url`, as those of Express do. */
  originalUrl?: string;
  headers: IncomingHttpHeaders;
  /** As it was parsed, or its bytes; an idempotency key is bound to it. */
  body?: unknown;
}

/** The part of a Fastify request that the kit uses. */
export interface KitRequest extends KitCall {
  query: unknown;
  body: unknown;
  /** Who is asking, once the guard has found out. */
  principal?: Principal;
  /** What was counted, on a route with `@Metered()`. */
  use?: Use;
  /** The browser's session, on a route with `@RequireSignIn()`. */
  moduleSession?: ModuleSession;
}

/** The part of a Fastify reply that the kit uses. */
export interface KitReply {
  header(name: string, value: string): unknown;
  code(status: number): unknown;
  send(payload?: string): unknown;
  redirect(url: string, status: number): unknown;
}

/** Path and query of a request as they were sent, whichever router it has reached. */
export function sentUrl({ url, originalUrl = url }: Pick<KitCall, 'url' | 'originalUrl'>): string {
  return originalUrl;
}

/** A browser that navigates, as opposed to a script or a service that calls. */
export function wantsHtml(request: KitRequest): boolean {
  return (request.headers.accept ?? '').includes('text/html');
}

/** One value of a query or form; a repeated parameter is none (RFC 6749 section 3.1). */
export function readText(source: unknown, name: string): string | undefined {
  if (typeof source !== 'object' || source === null) return undefined;
  const value = (source as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}
