import type { AddressInfo } from 'node:net';
import { simpleParser, type ParsedMail } from 'mailparser';
import { SMTPServer } from 'smtp-server';

export interface MailServerOptions {
  readonly port?: number;
  /** By which it offers STARTTLS, or speaks TLS from the start. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly fromTheStart?: boolean };
  /** Who may send; everybody unless told. */
  readonly user?: { readonly name: string; readonly password: string };
}

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly raw: string;
  readonly parsed: ParsedMail;
}

/** How the next mail is refused, and where. */
export interface Refusal {
  readonly at: 'MAIL FROM' | 'RCPT TO' | 'DATA';
  readonly code: number;
  readonly text: string;
}

/** A real SMTP server that keeps what it is given. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  /** Of the next mails, one after the other; afterwards all are taken. */
  readonly refusals: Refusal[] = [];
  /** How often somebody began to send. */
  tries = 0;

  private constructor(
    private readonly server: SMTPServer,
    private readonly scheme: string,
    private readonly credentials: string,
  ) {}

  static async start({ port = 0, tls, user }: MailServerOptions = {}): Promise<MailServer> {
    const holder: { mails?: MailServer } = {};
    const refuse = (at: Refusal['at']): Error | null => holder.mails?.refusal(at) ?? null;
    const server = new SMTPServer({
      authOptional: user === undefined,
      disabledCommands: [...(tls ? [] : ['STARTTLS']), ...(user ? [] : ['AUTH'])],
      hideSTARTTLS: tls === undefined,
      allowInsecureAuth: true,
      secure: tls?.fromTheStart ?? false,
      ...(tls ? { cert: tls.cert, key: tls.key } : {}),
      logger: false,
      // milliseconds: a client may keep its connection
      closeTimeout: 50,
      onAuth: ({ username, password }, _session, done) =>
        username === user?.name && password === user?.password
          ? done(null, { user: username })
          : done(new Error('no such user')),
      onMailFrom: (_address, _session, done) => {
        if (holder.mails) holder.mails.tries += 1;
        done(refuse('MAIL FROM'));
      },
      onRcptTo: (_address, _session, done) => done(refuse('RCPT TO')),
      onData: (stream, { envelope, secure }, done) => {
        void (async () => {
          const chunks: Buffer[] = [];
          for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
          const refused = refuse('DATA');
          if (refused) return done(refused);
          const raw = Buffer.concat(chunks).toString();
          holder.mails?.received.push({
            from: envelope.mailFrom ? envelope.mailFrom.address : '',
            to: envelope.rcptTo.map(({ address }) => address),
            secure: Boolean(secure),
            raw,
            parsed: await simpleParser(raw),
          });
          done();
        })();
      },
    });
    // a client that leaves in the middle is none of the test's concern
    server.on('error', () => undefined);
    const mails = new MailServer(
      server,
      tls?.fromTheStart ? 'smtps' : 'smtp',
      user ? `${encodeURIComponent(user.name)}:${encodeURIComponent(user.password)}@` : '',
    );
    holder.mails = mails;
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    return mails;
  }

  get port(): number {
    return (this.server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.scheme}://${this.credentials}localhost:${this.port}`;
  }

  to(address: string): ReceivedMail | undefined {
    return this.received.find(({ to }) => to.includes(address));
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.server.close(resolve));
  }

  private refusal(at: Refusal['at']): Error | undefined {
    if (this.refusals[0]?.at !== at) return undefined;
    const refusal = this.refusals.shift();
    return refusal && Object.assign(new Error(refusal.text), { responseCode: refusal.code });
  }
}
