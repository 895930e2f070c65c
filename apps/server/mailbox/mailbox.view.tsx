import type { VNode } from 'preact';
import type { Mail } from '#platform';
import { Layout } from '../pages/layout.js';
import { safeHref } from '../pages/links.js';
import { Moment } from '../pages/moment.js';

export interface ReadMail extends Mail {
  readonly id: string;
  readonly at: Date;
}

/** The last mails of an installation that sends none. */
export function MailboxView({ mails }: { mails: readonly ReadMail[] }): VNode {
  return (
    <Layout title="Mailbox" width="wide">
      <h1>Mailbox</h1>
      <p class="lead">
        No mail server is set (<code>CORE_AUTH_SMTP_URL</code>), so mail is shown here and goes nowhere. This
        page does not exist in production.
      </p>
      {mails.length === 0 && <p class="muted">There is no mail yet. Register, or ask for a new password.</p>}
      {mails.map((mail) => (
        <MailCard key={mail.id} mail={mail} />
      ))}
    </Layout>
  );
}

function MailCard({ mail: { id, to, subject, paragraphs, at } }: { mail: ReadMail }): VNode {
  return (
    <article class="card mail" aria-labelledby={id}>
      <h2 id={id}>{subject}</h2>
      <p class="small muted">
        To {to}, <Moment at={at} />
      </p>
      {paragraphs.map((paragraph, index) =>
        typeof paragraph === 'string' ? (
          <p key={index}>{paragraph}</p>
        ) : (
          <p key={index}>
            <a href={safeHref(paragraph.url) ?? '/'}>{paragraph.label}</a>
          </p>
        ),
      )}
    </article>
  );
}
