import type { LauncherLink, Principal, ResolvedOptions } from '@core-auth/module-kit';
import type { ComponentChildren, VNode } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { STYLE_SHEET_PATH } from './styles.js';

/** Who is signed in, and where they can go. */
export interface HeaderView {
  principal: Principal;
  links: readonly LauncherLink[];
  options: ResolvedOptions;
}

interface PageProps {
  title: string;
  moduleName: string;
  header?: HeaderView | undefined;
  children: ComponentChildren;
}

/** A whole document; preact escapes every text and attribute in it. */
export function renderPage(props: PageProps): string {
  return `<!doctype html>${renderToString(<Page {...props} />)}`;
}

function Page({ title, moduleName, header, children }: PageProps): VNode {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>{title === moduleName ? moduleName : `${title} – ${moduleName}`}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href={STYLE_SHEET_PATH} />
      </head>
      <body>
        <a class="skip" href="#content">
          Skip to the content
        </a>
        <header class="bar">
          <div class="bar-in">
            <a class="brand" href="/">
              <span class="mark" aria-hidden="true" />
              {moduleName}
            </a>
            {header && <Modules header={header} />}
            {header && <Who header={header} />}
          </div>
        </header>
        <main id="content" tabIndex={-1}>
          {children}
        </main>
      </body>
    </html>
  );
}

function Modules({ header: { links, options } }: { header: HeaderView }): VNode {
  return (
    <nav aria-label="Modules">
      <ul class="modules">
        {links
          .filter(({ key }) => key !== options.moduleKey)
          .map(({ key, name, url }) => (
            <li key={key}>
              <a href={url}>{name}</a>
            </li>
          ))}
        <li>
          <a href={`${options.coreAuthUrl}/`}>All modules</a>
        </li>
      </ul>
    </nav>
  );
}

function Who({ header: { principal, options } }: { header: HeaderView }): VNode {
  const { user, organization } = principal;
  const back = encodeURIComponent(`${options.moduleUrl}/auth/sign-in`);
  return (
    <div class="who">
      <span class="who-name">
        <strong>{user?.name ?? user?.email ?? 'Signed in'}</strong>
        <span class="small">
          {organization?.name ?? organization?.key}{' '}
          <a href={`${options.coreAuthUrl}/choose-organization?return_to=${back}`}>
            Switch<span class="hidden"> organization</span>
          </a>
        </span>
      </span>
      <form method="post" action="/auth/sign-out">
        <button class="quiet" type="submit">
          Sign out
        </button>
      </form>
    </div>
  );
}
