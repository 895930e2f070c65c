import type { ComponentChildren, VNode } from 'preact';
import { LANDING } from './form.js';
import { Icon } from './icons.js';
import { Layout, type Account } from './layout.js';

interface MessageProps {
  readonly title: string;
  /** Whether it went well; undefined where nothing was done. */
  readonly good?: boolean;
  readonly account?: Account | undefined;
  readonly action: { readonly href: string; readonly label: string };
  readonly children: ComponentChildren;
}

/** A page that says one thing and leads on. */
export function MessageView({ title, good = false, account, action, children }: MessageProps): VNode {
  return (
    <Layout title={title} account={account}>
      <section class="card" aria-labelledby="heading">
        {good && (
          <span class="emblem emblem-good">
            <Icon name="check" />
          </span>
        )}
        <h1 id="heading" {...LANDING}>
          {title}
        </h1>
        {children}
        <div class="actions">
          <a class="button button-primary" href={action.href}>
            {action.label}
          </a>
        </div>
      </section>
    </Layout>
  );
}

/** A link that was used, has expired, was superseded, or never was one: which of these is nobody's business. */
export function DeadLinkView({ again, account }: { again: string; account?: Account }): VNode {
  return (
    <MessageView
      title="This link no longer works"
      account={account}
      action={{ href: again, label: 'Ask for another' }}
    >
      <p class="lead">A link works once, for one hour, and until the account changes.</p>
    </MessageView>
  );
}

/** After a form that sends a mail: it says the same whoever has the address. */
export function MailSentView({
  account,
  children,
}: {
  account?: Account;
  children: ComponentChildren;
}): VNode {
  return (
    <MessageView
      title="Look into your mailbox"
      account={account}
      action={
        account
          ? { href: '/', label: 'Go to the launcher' }
          : { href: '/sign-in', label: 'Go to the sign-in page' }
      }
    >
      <p class="lead">{children}</p>
      <p class="small muted">
        Nothing after some minutes? Look among unwanted mail, and check the address. Of each kind no more than
        three are sent in an hour.
      </p>
    </MessageView>
  );
}
