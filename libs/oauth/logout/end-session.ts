import { Injectable } from '@nestjs/common';
import { singleFields, type FormFields } from '#platform';
import { SessionRepository } from '#sessions';
import { IdTokens } from '#tokens';
import { ClientDirectory } from '../clients/client-directory.js';
import { answerUrl } from '../authorization/authorization-request.js';
import { UntrustedAuthorizationRequest } from '../oauth.errors.js';

/** Where the browser goes once the person is signed out. */
export interface LogoutDestination {
  readonly clientName: string;
  readonly url: string;
  /** Whether the client says by itself who it is and where it leads. */
  readonly selfMade: boolean;
}

export interface LogoutOutcome {
  /** `ask`: the request does not prove whose session it means, or that anybody wants to go where it leads. */
  readonly kind: 'ended' | 'ask';
  readonly destination: LogoutDestination | undefined;
}

const MAX_STATE = 2048;
/** §2: those that a confirmation carries along. */
const CARRIED = new Set(['id_token_hint', 'client_id', 'post_logout_redirect_uri', 'state']);

/** What of a logout request has to be kept while the person is asked. */
export function carriedParameters(fields: FormFields): Record<string, string> {
  return Object.fromEntries(Object.entries(singleFields(fields)).filter(([name]) => CARRIED.has(name)));
}

/** OpenID Connect RP-Initiated Logout §2, §3 */
@Injectable()
export class EndSession {
  constructor(
    private readonly clients: ClientDirectory,
    private readonly idTokens: IdTokens,
    private readonly sessions: SessionRepository,
  ) {}

  /**
   * @param secret of the session cookie, when the browser sent one
   * @throws UntrustedAuthorizationRequest when the request is malformed or names an address that is not registered
   */
  async respond(fields: FormFields, secret: string | undefined): Promise<LogoutOutcome> {
    const hint = this.hint(fields);
    const destination = await this.destination(fields, hint?.aud);
    const session = await this.sessions.find(secret);
    // §2: a hint for somebody else's session, or none, is no proof that this person wants to leave
    if (session && hint?.sid !== session.id) return { kind: 'ask', destination };
    const sid = session?.id ?? hint?.sid;
    if (sid !== undefined) await this.sessions.end(sid, hint?.sub ?? session?.userId ?? 'anonymous');
    // RFC 9700 §4.11.2: anybody can have such a client, and a hint of their own, and send anybody here
    if (!session && destination?.selfMade) return { kind: 'ask', destination };
    return { kind: 'ended', destination };
  }

  /** The destination of a request that the person has confirmed. */
  async destinationOf(fields: FormFields): Promise<LogoutDestination | undefined> {
    return this.destination(fields, this.hint(fields)?.aud);
  }

  private hint(fields: FormFields) {
    const text = only(fields, 'id_token_hint');
    if (text === undefined) return undefined;
    const hint = this.idTokens.readHint(text);
    if (!hint)
      throw new UntrustedAuthorizationRequest('The id_token_hint is not an ID token of this server.');
    return hint;
  }

  private async destination(
    fields: FormFields,
    audience: string | undefined,
  ): Promise<LogoutDestination | undefined> {
    const clientId = only(fields, 'client_id') ?? audience;
    const uri = only(fields, 'post_logout_redirect_uri');
    const state = only(fields, 'state');
    if (audience !== undefined && clientId !== audience) {
      throw new UntrustedAuthorizationRequest('client_id and id_token_hint name different clients.');
    }
    if ((state?.length ?? 0) > MAX_STATE) throw new UntrustedAuthorizationRequest('state is too long.');
    if (uri === undefined) return undefined;
    const client = clientId === undefined ? undefined : await this.clients.find(clientId);
    // §3: compared exactly with what the client registered
    if (!client?.postLogoutRedirectUris.includes(uri)) {
      throw new UntrustedAuthorizationRequest(
        'The address to return to after signing out is not one that the application registered.',
      );
    }
    return {
      clientName: client.name,
      url: state === undefined ? uri : answerUrl(uri, { state }),
      selfMade: client.source !== 'administrator',
    };
  }
}

function only(fields: FormFields, name: string): string | undefined {
  const value = fields[name];
  if (Array.isArray(value)) throw new UntrustedAuthorizationRequest(`The parameter ${name} was sent twice.`);
  return value;
}
