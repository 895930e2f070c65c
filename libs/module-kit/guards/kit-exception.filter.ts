import { Catch, Inject, Injectable, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { wantsHtml, type KitReply, type KitRequest } from '../http/http-types.js';
import { ProblemException } from '../http/problem.exception.js';
import { localPath } from '../http/return-to.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { PageRenderer } from '../pages/page-renderer.js';
import type { ErrorView } from '../pages/pages.js';
import { SessionCookie } from '../session/session-cookie.js';
import { PassportRedirect } from '../sign-in/passport-redirect.js';
import { bearerChallenge } from './bearer.js';
import { toProblem } from './problems.js';
import { SignInRequired } from './sign-in-required.js';

/** Refusals that end by themselves, when somebody leaves. */
const PASSING = new Set(['SEATS_EXHAUSTED', 'LEASE_EXPIRED']);

/** Answers every error: a page for a person, problem details (RFC 9457) for a program, and never a stack. */
@Catch()
@Injectable()
export class KitExceptionFilter implements ExceptionFilter {
  private readonly logger = new Logger('Errors');

  constructor(
    @Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions,
    @Inject(SessionCookie) private readonly cookie: SessionCookie,
    @Inject(PageRenderer) private readonly pages: PageRenderer,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<KitRequest>();
    const reply = host.switchToHttp().getResponse<KitReply>();
    if (error instanceof PassportRedirect) {
      reply.redirect(error.location, error.status);
      return;
    }
    if (error instanceof SignInRequired) {
      this.askToSignIn(error, request, reply);
      return;
    }
    const problem = toProblem(error);
    if (problem.status >= 500) {
      this.logger.error(describe(error), error instanceof Error ? error.stack : undefined);
    }
    this.answer(problem, request, reply);
  }

  private askToSignIn(error: SignInRequired, request: KitRequest, reply: KitReply): void {
    if (error.ended) reply.header('set-cookie', this.cookie.clear());
    reply.header('cache-control', 'no-store');
    if (wantsHtml(request) && (request.method === 'GET' || request.method === 'HEAD')) {
      reply.redirect(`/auth/sign-in?return_to=${encodeURIComponent(localPath(request.url))}`, 303);
      return;
    }
    const metadataUrl = `${this.options.moduleUrl}/.well-known/oauth-protected-resource`;
    const detail = error.ended ? 'Your session has ended. Sign in to go on.' : 'Sign in to go on.';
    this.answer(
      new ProblemException(401, 'SIGN_IN_REQUIRED', 'Sign in', detail, {
        headers: { 'www-authenticate': bearerChallenge({ metadataUrl }) },
      }),
      request,
      reply,
    );
  }

  private answer(problem: ProblemException, request: KitRequest, reply: KitReply): void {
    for (const [name, value] of Object.entries(problem.extras.headers ?? {})) reply.header(name, value);
    if (wantsHtml(request)) {
      this.pages.send(reply, problem.status, 'error', this.view(problem, request));
      return;
    }
    reply.code(problem.status);
    reply.header('content-type', 'application/problem+json; charset=utf-8');
    reply.send(JSON.stringify(problem));
  }

  private view(problem: ProblemException, request: KitRequest): ErrorView {
    const { coreAuthUrl, moduleUrl, moduleName } = this.options;
    const status = problem.status;
    const view: ErrorView = {
      moduleName,
      status,
      code: problem.code,
      title: problem.title,
      detail: problem.detail,
      actions: [],
      ...(request.principal ? { principal: request.principal } : {}),
    };
    const back = `${moduleUrl}/auth/sign-in`;
    if (status === 401 || problem.extras.members?.['retry'] === true) {
      view.actions.push({ label: status === 401 ? 'Sign in' : 'Try again', href: '/auth/sign-in' });
    } else if (status === 503 || PASSING.has(problem.code)) {
      view.actions.push({
        label: 'Try again',
        href: request.method === 'GET' ? localPath(request.url) : '/',
      });
    } else if (localPath(request.url) !== '/') {
      view.actions.push({ label: `Back to ${moduleName}`, href: '/' });
    }
    if (status === 403 && request.principal) {
      const target = `${coreAuthUrl}/choose-organization?return_to=${encodeURIComponent(back)}`;
      view.actions.push({ label: 'Choose another organization', href: target });
    }
    view.actions.push({ label: 'All modules', href: `${coreAuthUrl}/` });
    return view;
  }
}

function describe(error: unknown): string {
  if (error instanceof ProblemException) return `${error.code}: ${error.detail}`;
  return error instanceof Error ? error.message : 'Something that is no Error was thrown';
}
