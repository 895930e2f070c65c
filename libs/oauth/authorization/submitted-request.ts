import { Injectable } from '@nestjs/common';
import type { FormFields } from '#platform';
import { ClientDirectory } from '../clients/client-directory.js';
import { UntrustedAuthorizationRequest } from '../oauth.errors.js';
import { keptFields, readAuthorizationRequest, type AuthorizationRequest } from './authorization-request.js';
import { PushedRequestRepository } from './pushed-request.repository.js';
import { RequestStart } from './request-start.js';

export const AUTHORIZATION_PATH = '/oauth2/authorize';
/** RFC 9126 §2.2 */
export const REQUEST_URI_PREFIX = 'urn:ietf:params:oauth:request_uri:';
/** Of what carries it: the headers of a request, all together, hold 16 KiB, and proxies often 8. */
const MAX_RESUMED = 7000;
/** The parameter of a resumed address that says when the request first came. */
const START = 'request_start';

/** A request as it came to the authorization endpoint, and what is known of its way. */
export interface SubmittedRequest {
  readonly fields: FormFields;
  readonly clientId: string | undefined;
  /** Of a pushed request. */
  readonly reference: string | undefined;
  /** When it first came; undefined the first time. */
  readonly start: Date | undefined;
}

/** Requests from their coming to their answer: plain ones live in the browser's address, pushed ones in the database. */
@Injectable()
export class SubmittedRequests {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly pushed: PushedRequestRepository,
    private readonly starts: RequestStart,
  ) {}

  /** @throws UntrustedAuthorizationRequest when it names a pushed request that there is not */
  async submitted(fields: FormFields): Promise<SubmittedRequest> {
    const { client_id: id, request_uri: uri } = fields;
    const clientId = typeof id === 'string' ? id : undefined;
    if (typeof uri !== 'string' || !uri.startsWith(REQUEST_URI_PREFIX)) {
      const start = fields[START];
      const own = withoutStart(fields);
      return {
        fields: own,
        clientId,
        reference: undefined,
        start: this.starts.read(typeof start === 'string' ? start : undefined, toParameters(own)),
      };
    }
    const reference = uri.slice(REQUEST_URI_PREFIX.length);
    const request = clientId === undefined ? undefined : await this.pushed.visit(reference, clientId);
    if (!request) throw this.spentAlready();
    // RFC 9101 §6.3 by way of RFC 9126 §4: nothing beside the pushed parameters counts
    return { fields: request.parameters, clientId, reference, start: request.createdAt };
  }

  /** @throws UntrustedAuthorizationRequest, AuthorizationError */
  async parse({ fields, clientId, reference }: SubmittedRequest): Promise<AuthorizationRequest> {
    const client = clientId === undefined ? undefined : await this.clients.find(clientId);
    return readAuthorizationRequest(fields, client, reference !== undefined);
  }

  /**
   * The address at which the same request goes on after an interaction.
   * @throws UntrustedAuthorizationRequest when no address can hold the request
   */
  resume(submitted: SubmittedRequest): string {
    return this.resumeWhole({ ...submitted, fields: keptFields(submitted.fields) });
  }

  /**
   * As `resume`, with all that was sent: what is wrong with a request must be wrong with it afterwards.
   * @throws UntrustedAuthorizationRequest when no address can hold the request
   */
  resumeWhole({ fields, clientId = '', reference, start }: SubmittedRequest): string {
    if (reference !== undefined) {
      const parameters = { client_id: clientId, request_uri: `${REQUEST_URI_PREFIX}${reference}` };
      return `${AUTHORIZATION_PATH}?${new URLSearchParams(parameters)}`;
    }
    const parameters = toParameters(fields);
    const signed = this.starts.sign(parameters, start);
    parameters.set(START, signed);
    const address = `${AUTHORIZATION_PATH}?${parameters}`;
    if (encodeURIComponent(address).length > MAX_RESUMED) throw this.tooLong();
    return address;
  }

  /** A pushed request that has been answered is used up, whatever the answer was. */
  async spend({ reference }: SubmittedRequest): Promise<void> {
    if (reference !== undefined) await this.pushed.spend(reference);
  }

  /** Only a form can bring so much. */
  private tooLong(): UntrustedAuthorizationRequest {
    return new UntrustedAuthorizationRequest(
      'This request is too long to wait while you sign in. The application has to push it (RFC 9126).',
    );
  }

  spentAlready(): UntrustedAuthorizationRequest {
    return new UntrustedAuthorizationRequest(
      'This request has expired or has been answered already. Go back to the application and start again.',
    );
  }
}

function withoutStart(fields: FormFields): FormFields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => name !== START));
}

function toParameters(fields: FormFields): URLSearchParams {
  return new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => [value].flat().map((one) => [name, one])),
  );
}
