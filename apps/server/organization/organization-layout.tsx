import type { ComponentChildren, VNode } from 'preact';
import { DoneNotice, ErrorSummary } from '../pages/form.js';
import { Layout } from '../pages/layout.js';
import { mayHere, type Frame } from './frame.js';

const PAGES = [
  { path: '/organization', name: 'Overview', action: 'organization:read' },
  { path: '/organization/people', name: 'People', action: 'members:read' },
  { path: '/organization/invitations', name: 'Invitations', action: 'invitations:read' },
  { path: '/organization/roles', name: 'Roles', action: 'roles:read' },
  { path: '/organization/settings', name: 'Settings', action: 'organization:rename' },
] as const;

export type OrganizationPath = (typeof PAGES)[number]['path'];

interface OrganizationLayoutProps {
  readonly frame: Frame;
  readonly path: OrganizationPath;
  readonly children: ComponentChildren;
}

export function OrganizationLayout({ frame, path, children }: OrganizationLayoutProps): VNode {
  const pages = PAGES.filter(({ action }) => mayHere(frame, action));
  const name = PAGES.find((page) => page.path === path)?.name ?? '';
  const { done, problem, organization, account } = frame;
  const title = problem === undefined ? name : `Error: ${name}`;
  return (
    <Layout title={`${title}, ${organization.name}`} width="wide" account={account}>
      <div class="page-head">
        <p class="eyebrow">{organization.name}</p>
        <h1>{name}</h1>
        {pages.length > 1 && (
          <nav aria-label="Organization" class="chip-list">
            {pages.map((page) => (
              <a
                key={page.path}
                class="chip"
                href={page.path}
                {...(page.path === path ? { 'aria-current': 'page' as const } : {})}
              >
                {page.name}
              </a>
            ))}
          </nav>
        )}
      </div>
      {problem !== undefined && (
        <ErrorSummary id="problem" title="Nothing was changed">
          {problem}
        </ErrorSummary>
      )}
      {done !== undefined && <DoneNotice>{done}</DoneNotice>}
      {children}
    </Layout>
  );
}
