import { pagesAreSafeAndSound } from '../../../test/support/page-rules.js';
import { AcceptInvitationView, InvalidInvitationView } from './accept-invitation.view.js';
import { CreationClosedView } from './overview.view.js';

pagesAreSafeAndSound((text) => {
  const account = { name: text, email: text, csrfToken: text };
  const invitation = {
    id: text,
    email: text,
    organization: { id: text, name: text, key: text },
    role: 'member',
    customRoleName: text,
    licenseId: text,
    name: text,
    hasAccount: false,
    expiresAt: new Date('2026-11-24T12:00:00.000Z'),
  } as const;
  const link = { csrfToken: text, secret: text };
  const typed = { name: text, password: text, nameProblem: text, passwordProblem: text };
  return [
    ['no organization of one’s own', <CreationClosedView account={account} />],
    ['invitation, gone', <InvalidInvitationView account={account} />],
    [
      'invitation, as it comes',
      <AcceptInvitationView {...link} account={undefined} invitation={invitation} />,
    ],
    [
      'invitation, refused',
      <AcceptInvitationView {...link} account={undefined} invitation={invitation} typed={typed} />,
    ],
    [
      'invitation, to an account',
      <AcceptInvitationView {...link} account={undefined} invitation={{ ...invitation, hasAccount: true }} />,
    ],
    [
      'invitation, as who is invited',
      <AcceptInvitationView {...link} account={account} invitation={invitation} />,
    ],
    [
      'invitation, as somebody else',
      <AcceptInvitationView {...link} account={{ ...account, email: 'other' }} invitation={invitation} />,
    ],
  ];
});
