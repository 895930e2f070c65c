import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { VNode } from 'preact';
import { Configuration } from '#platform';
import { contentSecurityPolicy, scriptedPolicy, selfSubmittingPolicy } from './content-security-policy.js';
import type { FormFailure } from './form-failure.js';
import { SUBMIT_SCRIPT } from './form-post.view.js';
import { renderPage } from './render.js';

interface PageOptions {
  readonly status?: number;
  /** Of the form that was refused. */
  readonly failure?: Pick<FormFailure, 'status' | 'retryAfter'> | undefined;
  /** Where the page's form may end up, besides here. */
  readonly formLeadsTo?: readonly string[];
  /** Whether scripts of this server run in it. */
  readonly scripted?: boolean;
  /** Whether the page's form sends itself to a client. */
  readonly submitsItself?: boolean;
}

@Injectable()
export class Pages {
  constructor(private readonly configuration: Configuration) {}

  send(reply: FastifyReply, view: VNode, options: PageOptions = {}): void {
    const { failure, formLeadsTo = [], scripted = false, submitsItself = false } = options;
    const plainPolicy = scripted ? scriptedPolicy : contentSecurityPolicy;
    void reply
      .status(options.status ?? failure?.status ?? 200)
      .headers({
        ...(failure?.retryAfter === undefined ? {} : { 'retry-after': String(failure.retryAfter) }),
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'content-security-policy': submitsItself
          ? selfSubmittingPolicy(SUBMIT_SCRIPT)
          : plainPolicy(formLeadsTo),
      })
      .send(renderPage(view, !this.configuration.production));
  }
}
