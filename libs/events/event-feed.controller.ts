import { Controller, Get, Headers, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientAuthentication, Configuration, CurrentClient, PublicError } from '#platform';
import { EventFeed } from './event-feed.js';
import { parsePlace } from './outbox-event.js';
import { securityEventClaims, type SecurityEventClaims } from './security-event.js';

const HEARTBEAT = 1000;
/** A reader that has not taken this much is too slow: it is cut off and resumes from its cursor. */
const MAX_UNSENT_BYTES = 1_000_000;

@Controller('v1/events')
export class EventFeedController {
  constructor(
    private readonly feed: EventFeed,
    private readonly configuration: Configuration,
  ) {}

  /**
   * Server-sent events for module guards (HTML Living Standard §9.2); `Last-Event-ID` resumes. The data are the claims
   * of a security event token, unsigned: the reader has authenticated the server by TLS and is the audience itself.
   */
  @Get()
  @ClientAuthentication()
  async follow(
    @CurrentClient() client: { id: string; moduleKey: string | null },
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
    @Headers('last-event-id') lastEventId?: string,
  ): Promise<void> {
    if (!client.moduleKey)
      throw new PublicError(403, 'access_denied', 'Only the clients of modules may follow events.');
    const place = lastEventId === undefined ? undefined : parsePlace(lastEventId);
    if (lastEventId !== undefined && !place) {
      throw new PublicError(400, 'invalid_request', 'Last-Event-ID is not a cursor of this stream.');
    }
    const out = reply.raw;
    const write = (frame: string) => {
      if (out.writableLength > MAX_UNSENT_BYTES) out.destroy();
      else if (!out.writableEnded) out.write(frame);
    };
    const parties = { issuer: this.configuration.issuer, audience: client.id };
    const { from, start, stop } = await this.feed.follow(
      place,
      (event, at) => {
        const claims = securityEventClaims(event, parties);
        if (claims) write(frameOf(event.kind, at, claims));
        // who may no longer authenticate hears that, and nothing after it
        if (event.kind === 'client-disabled' && event.subject === client.id) out.end();
      },
      // at its next request the reader is told that its place is lost
      () => out.end(),
    );
    // who went away meanwhile: the close has been told already
    if (request.raw.destroyed) {
      stop();
      reply.hijack();
      return;
    }
    const heartbeat = setInterval(() => write(': heartbeat\n\n'), HEARTBEAT);
    request.raw.on('close', () => {
      clearInterval(heartbeat);
      stop();
    });

    reply.hijack();
    out.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    write(`id: ${from}\nevent: ready\ndata: {}\n\n`);
    try {
      await start();
    } catch {
      // the answer has begun: cutting it off makes the reader resume from its cursor
      out.destroy();
    }
  }
}

function frameOf(kind: string, place: string, claims: SecurityEventClaims): string {
  return `id: ${place}\nevent: ${kind}\ndata: ${JSON.stringify(claims)}\n\n`;
}
