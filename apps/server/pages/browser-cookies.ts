import { Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DeviceCookie, SessionCookie, type SignedIn, type SignInBrowser } from '#sessions';
import { clientNetwork } from '../client-network.js';

/** What a browser that signs in brings along, and what it takes away. */
@Injectable()
export class BrowserCookies {
  constructor(
    private readonly session: SessionCookie,
    private readonly devices: DeviceCookie,
  ) {}

  read(request: FastifyRequest): SignInBrowser {
    return {
      userAgent: request.headers['user-agent'] ?? '',
      address: request.ip,
      network: clientNetwork(request.ip),
      deviceSecrets: this.devices.read(request),
      currentSecret: this.session.read(request),
    };
  }

  set(request: FastifyRequest, reply: FastifyReply, { secret, deviceSecret }: SignedIn): void {
    this.devices.set(request, reply, deviceSecret);
    this.session.set(reply, secret);
  }
}
