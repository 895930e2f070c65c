import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { VNode } from 'preact';
import { Configuration } from '#platform';
import { contentSecurityPolicy, selfSubmittingPolicy } from './content-security-policy.js';
import { SUBMIT_SCRIPT } from './form-post.view.js';
import { renderPage } from './render.js';

interface PageOptions {
  readonly status?: number;
  /** Where the page's form may end up, besides here. */
  readonly formLeadsTo?: readonly string[];
  /** Whether the page's form sends itself to a client. */
  readonly submitsItself?: boolean;
}

@Injectable()
export class Pages {
  constructor(private readonly configuration: Configuration) {}

  send(reply: FastifyReply, view: VNode, options: PageOptions = {}): void {
    const { status = 200, formLeadsTo = [], submitsItself = false } = options;
    void reply
      .status(status)
      .headers({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': submitsItself
          ? selfSubmittingPolicy(SUBMIT_SCRIPT)
          : contentSecurityPolicy(formLeadsTo),
      })
      .send(renderPage(view, !this.configuration.production));
  }
}
