import type { FastifyReply, FastifyRequest } from 'fastify';
import { HEADERS_METADATA } from '@nestjs/common/constants.js';
import type { DiscoveryController } from '#oauth';

interface Document {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: () => string;
}

/**
 * The server's metadata and keys, which every client and module fetches again and again: answered as the controller
 * declares it, before guards and pipes that have nothing to decide here.
 */
export function publicDocuments(discovery: DiscoveryController) {
  // nothing in the metadata changes while the process runs; which keys are shown changes with time
  let metadata: string | undefined;
  const shared = {
    headers: headersOf(discovery, 'metadata'),
    body: () => (metadata ??= JSON.stringify(discovery.metadata())),
  };
  const documents = new Map<string, Document>([
    ['/.well-known/openid-configuration', shared],
    ['/.well-known/oauth-authorization-server', shared],
    ['/oauth2/jwks', { headers: headersOf(discovery, 'jwks'), body: () => JSON.stringify(discovery.jwks()) }],
  ]);
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const document = request.method === 'GET' ? documents.get(request.url) : undefined;
    if (document) void reply.headers(document.headers).send(document.body());
    else done();
  };
}

/** What `@Header` says of a method of a controller. */
function headersOf(
  controller: DiscoveryController,
  method: keyof DiscoveryController,
): Record<string, string> {
  const handler = Reflect.get(controller, method) as object;
  const declared = (Reflect.getMetadata(HEADERS_METADATA, handler) ?? []) as readonly Header[];
  return {
    'content-type': 'application/json; charset=utf-8',
    ...Object.fromEntries(declared.map(({ name, value }) => [name, value])),
  };
}

interface Header {
  readonly name: string;
  readonly value: string;
}
