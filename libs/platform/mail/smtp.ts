import { createTransport } from 'nodemailer';
import type { Configuration } from '../config/configuration.js';
import type { Mail } from './mail.js';
import { mailText, oneLine } from './mail-text.js';

/** milliseconds; together less than a lease of a mail */
const CONNECT_WITHIN = 10_000;
const ANSWER_WITHIN = 20_000;
const CONNECTIONS = 4;

/** Why a mail has not left. What the server said is left out of it: it quotes addresses. */
export class MailNotSent extends Error {
  override readonly name = 'MailNotSent';

  /** @param final the server will never take this mail (RFC 5321 §4.2.1), so that there is no point in trying again */
  constructor(
    message: string,
    readonly final: boolean,
  ) {
    super(message);
  }
}

export interface OutgoingMail {
  readonly id: string;
  readonly createdAt: Date;
  readonly mail: Mail;
}

/** The deployment's mail server. */
export class Smtp {
  private readonly transport: ReturnType<typeof transportTo>;
  private readonly sender: { readonly name: string; readonly address: string };

  constructor(url: string, { production, mailFrom }: Pick<Configuration, 'production' | 'mailFrom'>) {
    this.transport = transportTo(url, production);
    const [, name = '', address = mailFrom] = /^(.*) <(.*)>$/.exec(mailFrom) ?? [];
    this.sender = { name, address };
  }

  /** @throws MailNotSent */
  async send({ id, createdAt, mail }: OutgoingMail): Promise<void> {
    // nodemailer would read a list, a group or a comment in it
    if (!/^[^\s@<>,;:"()\p{Cc}]+@[^\s@<>,;:"()\p{Cc}]+$/u.test(mail.to))
      throw new MailNotSent('no address', true);
    const { sender } = this;
    try {
      await this.transport.sendMail({
        from: sender,
        to: { name: '', address: mail.to },
        envelope: { from: sender.address, to: [mail.to] },
        // the same at each try, so that a receiver may tell a repetition (RFC 5322 §3.6.4)
        messageId: `<${id}@${sender.address.split('@')[1] ?? 'localhost'}>`,
        date: createdAt,
        ...mailText(mail),
        // RFC 3834 §5: nothing answers it by itself
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    } catch (error) {
      throw failureOf(error);
    }
  }

  close(): void {
    this.transport.close();
  }
}

function transportTo(text: string, production: boolean) {
  const url = new URL(text);
  const secure = url.protocol === 'smtps:';
  return createTransport({
    pool: true,
    maxConnections: CONNECTIONS,
    // one that is lost is tried again by whoever leased the mail
    maxRequeues: 0,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (secure ? 465 : 587)),
    secure,
    requireTLS: production && !secure,
    tls: { minVersion: 'TLSv1.2' },
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    connectionTimeout: CONNECT_WITHIN,
    dnsTimeout: CONNECT_WITHIN,
    greetingTimeout: CONNECT_WITHIN,
    socketTimeout: ANSWER_WITHIN,
  });
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
  readonly response?: string;
  readonly command?: string;
}

/** What is about this mail: its recipient and its text. What is about us, sender and sign-in, somebody can mend. */
const ABOUT_THE_MAIL = new Set(['RCPT TO', 'DATA']);

function failureOf(error: unknown): MailNotSent {
  const { code, responseCode = 0, response = '', command = '', message } = error as SmtpError;
  const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response)?.[1];
  const reason =
    responseCode > 0
      ? [String(responseCode), enhanced, command && `to ${command}`].filter(Boolean).join(' ')
      : oneLine(code ?? message);
  return new MailNotSent(reason, responseCode >= 500 && ABOUT_THE_MAIL.has(command));
}
