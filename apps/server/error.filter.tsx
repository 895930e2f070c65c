import { STATUS_CODES } from 'node:http';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { clientGone, isClientGone, UntrustedAuthorizationRequest } from '#oauth';
import { isUnavailable, PublicError } from '#platform';
import { StepUpRequired } from '#sessions';
import { OrganizationRequired } from './organization/organization-route.js';
import { BODY_LIMIT, JsonNotTaken } from './request-bodies.js';
import { ErrorView } from './pages/error.view.js';
import { Pages } from './pages/pages.js';
import { RefusedActs } from './refused-acts.js';
import { SignInRequired } from './route-policy.guard.js';

/** Addresses that programs call: they are answered in JSON whatever they accept. */
const PROGRAMS =
  /^\/(oauth2\/(token|introspect|revoke|par|userinfo|jwks|device_authorization|register)|v1\/|\.well-known\/|health\/)/;

const SEAT_IMPORTS = /^\/v1\/seat-imports(?:[?]|$)/;

const PUSHED = /^\/oauth2\/par(?:[?]|$)/;

/** Those among them whose errors are problem details (RFC 9457). */
const PROBLEMS =
  /^\/v1\/(account|usage|leases|licenses|plans|features|trials|seat-imports|reservations|offline-grants|organizations|invitations)(?:[/?]|$)/;

/**
 * Every error becomes one answer: a page for a person, `{ error, error_description }` or problem details for a program.
 */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(ErrorFilter.name);

  constructor(
    private readonly refusedActs: RefusedActs,
    private readonly pages: Pages,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void | Promise<void> {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (reply.sent || reply.raw.headersSent) return;
    const shown = isClientGone(error) ? unknownClient(request) : publicErrorOf(error, request);
    if (shown.status >= 500) this.logger.error({ msg: 'request failed', err: error, requestId: request.id });
    else if (shown.reason)
      this.logger.debug({ requestId: request.id, code: shown.code, reason: shown.reason });

    if (!this.refusedActs.concerns(request, shown)) return this.answer(error, shown, request, reply);
    return (
      this.refusedActs
        .note(request, shown)
        .then(() => this.answer(error, shown, request, reply))
        // nobody catches what an asynchronous filter throws
        .catch((failure: Error) => void reply.send(failure))
    );
  }

  private answer(error: unknown, shown: PublicError, request: FastifyRequest, reply: FastifyReply): void {
    const page = wantsPage(request) || shown instanceof UntrustedAuthorizationRequest;
    reply.headers({ 'cache-control': 'no-store', ...shown.headers });
    if (shown instanceof SignInRequired && page) {
      void reply.redirect(`/sign-in?${new URLSearchParams({ return_to: shown.returnTo })}`, 303);
    } else if (shown instanceof StepUpRequired && page) {
      void reply.redirect(`/step-up?${new URLSearchParams({ return_to: shown.returnTo })}`, 303);
    } else if (shown instanceof OrganizationRequired && page) {
      void reply.redirect(`/choose-organization?${new URLSearchParams({ return_to: shown.returnTo })}`, 303);
    } else if (page) {
      this.pages.send(reply, <ErrorView {...wordsFor(shown)} requestId={request.id} />, {
        status: shown.status,
      });
    } else if (PROBLEMS.test(request.url)) {
      sendProblem(reply, shown);
    } else {
      // the body of a health check or of any other structured answer is kept as it is
      const body =
        error instanceof HttpException && error.getStatus() === 503 && typeof error.getResponse() === 'object'
          ? error.getResponse()
          : { error: shown.code, error_description: shown.publicMessage };
      void reply.status(shown.status).send(body);
    }
  }
}

/** Refuses an address that the router cannot read, so that it reaches no route, and no filter. */
export function refuseAddress({ url }: FastifyRequest, reply: FastifyReply): void {
  const shown = new PublicError(400, 'invalid_request', 'The address is malformed.');
  if (PROBLEMS.test(url)) sendProblem(reply, shown);
  else void reply.status(400).send({ error: shown.code, error_description: shown.publicMessage });
}

/** RFC 9457 §3, §4.2.1: without a type of its own, a problem has the title of its status. */
function sendProblem(reply: FastifyReply, { status, code, publicMessage: detail }: PublicError): void {
  const title = STATUS_CODES[status] ?? 'Error';
  const problem = { type: 'about:blank', title, status, detail, code };
  void reply.status(status).type('application/problem+json').send(problem);
}

function wantsPage(request: FastifyRequest): boolean {
  return !PROGRAMS.test(request.url) && (request.headers.accept ?? '').includes('text/html');
}

/** Told as it would have been a moment later. */
function unknownClient({ url, headers }: FastifyRequest): PublicError {
  return PROGRAMS.test(url)
    ? clientGone(headers.authorization)
    : new UntrustedAuthorizationRequest('The application that sent you here is not known to this server.');
}

function publicErrorOf(error: unknown, { url }: FastifyRequest): PublicError {
  if (error instanceof PublicError) return error;
  const status = error instanceof HttpException ? error.getStatus() : undefined;
  const [pushed, program] = [PUSHED.test(url), PROBLEMS.test(url)];
  // RFC 9126 §2.3: the one endpoint that answers another method by 405, and what is too large by 413
  if (status === 404 && pushed) {
    return new PublicError(405, ...BY_STATUS[405], { headers: { allow: 'POST' } });
  }
  if (status === 413 && pushed) return new PublicError(413, ...BY_STATUS[413]);
  const refused = status ?? (error as { statusCode?: number }).statusCode;
  // RFC 9110 §15.5.14: where nothing older asks for 400
  if (refused === 413 && program) {
    const longer = SEAT_IMPORTS.test(url) ? ` Longer lists are taken by \`core-auth seats import\`.` : '';
    return new PublicError(413, BY_STATUS[413][0], BY_STATUS[413][1] + longer);
  }
  if (error instanceof JsonNotTaken && program) return new PublicError(400, 'invalid_request', error.message);
  if (status !== undefined) return fromStatus(status);
  const { statusCode } = error as { statusCode?: number };
  // what Fastify refuses before a route is reached: a body too large, of an unknown type, or malformed
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) return fromStatus(statusCode);
  if (isUnavailable(error)) {
    return new PublicError(
      503,
      'temporarily_unavailable',
      'The service is not available at the moment. Try again soon.',
      {
        headers: { 'retry-after': '5' },
      },
    );
  }
  return new PublicError(500, 'server_error', 'Something went wrong on our side.');
}

const BY_STATUS = {
  400: ['invalid_request', 'The request is malformed.'],
  403: ['access_denied', 'You may not open this address.'],
  404: ['not_found', 'There is nothing at this address.'],
  405: ['invalid_request', 'This address does not take that method.'],
  413: ['invalid_request', `The request is too large: at most ${BODY_LIMIT} bytes are taken.`],
  415: ['invalid_request', 'The request is of a type that this address does not take.'],
} as const satisfies Readonly<Record<number, readonly [code: string, message: string]>>;

function fromStatus(status: number): PublicError {
  const known: Readonly<Record<number, readonly [code: string, message: string]>> = BY_STATUS;
  const [code, message] =
    known[status] ??
    (status < 500
      ? ['invalid_request', 'The request cannot be handled as it was sent.']
      : ['server_error', 'The service is not available at the moment.']);
  // RFC 6749 §5.2 answers malformed requests with 400, whatever was wrong with their form
  return new PublicError(status === 413 || status === 415 ? 400 : status, code, message);
}

const TITLES: Readonly<Record<number, readonly [title: string, advice: string]>> = {
  400: [
    'This request cannot be handled',
    'Go back to the application and start again. If it happens again, tell its makers.',
  ],
  403: ['This is not allowed', 'Go back, reload the page and try again.'],
  404: ['There is nothing here', 'Check the address, or start from the launcher.'],
  429: ['Too many tries', 'Nothing has been done. Go back to the page before, and send it again then.'],
  503: ['Not available at the moment', 'Try again in a few seconds.'],
};

function wordsFor({ status, publicMessage }: PublicError) {
  const [title, advice] = TITLES[status] ?? [
    'Something went wrong',
    'Try again. If it happens again, tell your administrator the request number below.',
  ];
  return { status, title, advice, message: publicMessage };
}
