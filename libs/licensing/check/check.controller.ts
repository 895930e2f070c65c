import { Body, Controller, Header, Headers, HttpCode, Post, Res } from '@nestjs/common';
import { httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import type { FastifyReply } from 'fastify';
import { CurrentClient, PublicError } from '#platform';
import { CHECK_ANSWER, CHECK_QUESTION, CHECK_REFUSALS } from '../module-answers.js';
import { ForModules } from '../module-route.js';
import { checkAnswer, checkProblem, type CheckAnswer, type CheckProblem } from './check-answer.js';
import { parseCheckRequest } from './check-request.js';
import { LicenseChecks } from './license-checks.js';

/** What this room needs to know of an authenticated client. */
interface ModuleClient {
  readonly moduleKey: string | null;
}

@Controller('v1/licenses/check')
export class CheckController {
  constructor(private readonly checks: LicenseChecks) {}

  /**
   * One question, or up to 100, about the licenses of the calling client's module. The organization is the one that
   * the module read from the token it was shown (licensing.md): it is never guessed, so null is no organization.
   *
   * A single question that is refused is answered by the status of its code, as problem details; a list always by 200
   * with an answer for each question, in order.
   */
  @Post()
  @HttpCode(200)
  @ForModules({
    summary: 'Ask what licenses allow, one question or up to 100',
    takes: CHECK_QUESTION,
    answer: CHECK_ANSWER,
    refusals: CHECK_REFUSALS,
  })
  @Header('cache-control', 'no-store')
  async check(
    @Body() body: unknown,
    @CurrentClient() { moduleKey }: ModuleClient,
    @Res({ passthrough: true }) reply: FastifyReply,
    @Headers('content-type') type: string | undefined,
  ): Promise<CheckAnswer | CheckProblem | { answers: CheckAnswer[] }> {
    if (moduleKey === null) {
      throw new PublicError(403, 'access_denied', 'Only the clients of modules may check licenses.');
    }
    // a form has no numbers
    if (!/^application\/json *(;|$)/i.test(type ?? '')) {
      throw new PublicError(400, 'invalid_request', 'The question must be sent as application/json.');
    }
    const { single, questions } = parseCheckRequest(body, moduleKey);
    const answers = (await this.checks.answer(moduleKey, questions)).map(checkAnswer);
    const [first] = answers;
    if (!single || first === undefined) return { answers };
    const status = httpStatusOfDecision[first.code];
    if (status === 200) return first;
    if (status === 503) void reply.header('retry-after', '5');
    void reply.status(status).type('application/problem+json; charset=utf-8');
    return checkProblem(first);
  }
}
