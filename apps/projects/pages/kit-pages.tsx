import type { ErrorView, KitPages, SignedOutView } from '@core-auth/module-kit';
import type { VNode } from 'preact';
import { renderPage } from './layout.js';

/** The kit's error and sign-out pages in this module's clothes. */
export const kitPages: KitPages = {
  error: (view: ErrorView) =>
    renderPage({ title: view.title, moduleName: view.moduleName, children: <ErrorCard view={view} /> }),
  signedOut: (view: SignedOutView) =>
    renderPage({ title: 'Signed out', moduleName: view.moduleName, children: <SignedOutCard view={view} /> }),
};

function ErrorCard({ view }: { view: ErrorView }): VNode {
  return (
    <section class="card narrow">
      <h1>{view.title}</h1>
      <p>{view.detail}</p>
      <ul class="actions">
        {view.actions.map(({ label, href }, index) => (
          <li key={href}>
            <a class={index === 0 ? 'button primary' : 'button'} href={href}>
              {label}
            </a>
          </li>
        ))}
      </ul>
      <p class="muted small">
        {view.status} {view.code}
      </p>
    </section>
  );
}

function SignedOutCard({ view }: { view: SignedOutView }): VNode {
  return (
    <section class="card narrow">
      <h1>You are signed out</h1>
      <p>Your sessions in the other modules have ended too.</p>
      <p>
        <a class="button primary" href={view.signInUrl}>
          Sign in again
        </a>
      </p>
    </section>
  );
}
