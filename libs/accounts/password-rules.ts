import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { Configuration, OutboundHttp } from '#platform';
import { normalizePassword, passwordProblem, type PasswordUse } from './password-policy.js';

/** Of the digest, in hexadecimal digits: all that the service learns. */
const PREFIX = 5;
/** milliseconds; then the list that ships with the server decides alone */
const ANSWER_WITHIN = 1500;
const LONGEST_ANSWER = 262_144;

/** The policy for new passwords, with a service that knows breached ones where the deployment has named one. */
@Injectable()
export class PasswordRules {
  private readonly logger = new Logger(PasswordRules.name);

  constructor(
    private readonly configuration: Configuration,
    private readonly outbound: OutboundHttp,
  ) {}

  /** What is wrong with a new password, as a sentence for the person who chose it; undefined when it is acceptable. */
  async problem(password: string, use: PasswordUse): Promise<string | undefined> {
    const problem = passwordProblem(password, use);
    if (problem !== undefined || !(await this.isBreached(password))) return problem;
    return 'This password has been stolen somewhere and is known to attackers. Choose another.';
  }

  private async isBreached(password: string): Promise<boolean> {
    const { breachedPasswordsUrl: url } = this.configuration;
    if (url === undefined) return false;
    const digest = createHash('sha1').update(normalizePassword(password)).digest('hex').toUpperCase();
    try {
      const { status, body } = await this.outbound.send(
        `${url.replace(/\/$/, '')}/${digest.slice(0, PREFIX)}`,
        // answers of one length, so that nobody on the way can tell which prefix was asked for
        { timeout: ANSWER_WITHIN, maxBytes: LONGEST_ANSWER, headers: { 'add-padding': 'true' } },
      );
      if (status !== 200) throw new Error(`status ${status}`);
      return isListed(body, digest.slice(PREFIX));
    } catch (error) {
      this.logger.warn(`breached passwords were not asked about: ${(error as Error).message}`);
      return false;
    }
  }
}

/** `SUFFIX:COUNT` a line; padding has the count 0. */
function isListed(body: string, suffix: string): boolean {
  return body.split('\n').some((line) => {
    const [listed = '', count = ''] = line.trim().toUpperCase().split(':');
    return listed === suffix && Number(count) > 0;
  });
}
