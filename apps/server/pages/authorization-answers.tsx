import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { answerUrl, type AuthorizationAnswer } from '#oauth';
import { FormPostView } from './form-post.view.js';
import { Pages } from './pages.js';

/** Sends the answer to an authorization request, in the response mode that was asked for. */
@Injectable()
export class AuthorizationAnswers {
  constructor(private readonly pages: Pages) {}

  send(reply: FastifyReply, { to, parameters }: AuthorizationAnswer): void {
    if (to.responseMode === 'form_post') {
      const view = <FormPostView action={to.redirectUri} parameters={parameters} />;
      this.pages.send(reply, view, { submitsItself: true });
      return;
    }
    // RFC 9700 §4.12: 303, so that a form with a password is never sent on
    reply.header('cache-control', 'no-store').redirect(answerUrl(to.redirectUri, parameters), 303);
  }
}
