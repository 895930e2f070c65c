import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { VNode } from 'preact';
import { Configuration } from '#platform';
import { contentSecurityPolicy } from './content-security-policy.js';
import { renderPage } from './render.js';

interface PageOptions {
  readonly status?: number;
  /** Where the page's form may end up, besides here. */
  readonly formLeadsTo?: readonly string[];
}

@Injectable()
export class Pages {
  constructor(private readonly configuration: Configuration) {}

  send(reply: FastifyReply, view: VNode, { status = 200, formLeadsTo = [] }: PageOptions = {}): void {
    void reply
      .status(status)
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': contentSecurityPolicy(formLeadsTo),
      })
      .send(renderPage(view, !this.configuration.production));
  }
}
