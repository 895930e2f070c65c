import { Controller, Get, Headers, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ClientAuthentication, CurrentClient, PublicError } from '#platform';
import { EventFeed } from './event-feed.js';
import { parseCursor, type OutboxEvent } from './outbox-event.js';

const HEARTBEAT = 1000;
/** A reader that has not taken this much is too slow: it is cut off and resumes from its cursor. */
const MAX_UNSENT_BYTES = 1_000_000;

@Controller('v1/events')
export class EventFeedController {
  constructor(private readonly feed: EventFeed) {}

  /** Server-sent events for module guards (HTML Living Standard §9.2); `Last-Event-ID` resumes. */
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
    if (lastEventId !== undefined && !parseCursor(lastEventId)) {
      throw new PublicError(400, 'invalid_request', 'Last-Event-ID is not a cursor of this stream.');
    }
    const out = reply.raw;
    const write = (frame: string) => {
      if (out.writableLength > MAX_UNSENT_BYTES) out.destroy();
      else if (!out.writableEnded) out.write(frame);
    };
    const { from, start, stop } = await this.feed.follow(lastEventId, (event) => {
      write(frameOf(event));
      // who may no longer authenticate hears that, and nothing after it
      if (event.kind === 'client-disabled' && event.subject === client.id) out.end();
    });
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

function frameOf(event: OutboxEvent): string {
  const data = {
    kind: event.kind,
    subject: event.subject,
    organization_id: event.organizationId,
    occurred_at: event.occurredAt.toISOString(),
  };
  return `id: ${event.cursor}\nevent: ${event.kind}\ndata: ${JSON.stringify(data)}\n\n`;
}
