import { Body, Controller, Header, Headers, HttpCode, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AcceptsJson, ClientAuthentication, CurrentClient, PublicError } from '#platform';
import type { Client } from '../clients/client.js';
import { InvalidRequest } from '../oauth.errors.js';
import { EventPolling, type PollAnswer } from './event-polling.js';
import { parsePollRequest } from './poll-request.js';

@Controller('v1/events/poll')
export class PollController {
  constructor(private readonly polling: EventPolling) {}

  /** RFC 8936 §2.2, for modules that cannot hold the event stream open. */
  @Post()
  @HttpCode(200)
  @ClientAuthentication()
  @AcceptsJson()
  @Header('cache-control', 'no-store')
  async poll(
    @Body() body: unknown,
    @CurrentClient() client: Client,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('content-type') type: string | undefined,
  ): Promise<PollAnswer> {
    if (!client.moduleKey)
      throw new PublicError(403, 'access_denied', 'Only the clients of modules may follow events.');
    // RFC 8936 §2.4: JSON, where a form would be understood as a poll that says nothing
    if (!/^application\/json *(;|$)/i.test(type ?? ''))
      throw new InvalidRequest('The poll must be sent as application/json.');
    const request = parsePollRequest(body);
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return this.polling.poll(client.id, request, gone.signal);
  }
}
