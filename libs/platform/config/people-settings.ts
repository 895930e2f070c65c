import { IsArray, IsIn, IsOptional, Matches } from 'class-validator';
import { ClientSettings } from './client-settings.js';
import { Setting } from './setting.js';
import { WholeNumber } from './whole-number.js';

/** What concerns people and their organizations, and the mail to them. */
export abstract class PeopleSettings extends ClientSettings {
  @Setting('CORE_AUTH_SMTP_URL', {
    description:
      'Mail server: `smtp://user:password@host:587` (STARTTLS, which production insists on) or `smtps://user:password@host:465`. Without it no mail leaves: in development a mailbox page at `/mailbox` shows it, in production nobody can register, reset a password or prove an address, and notices are dropped.',
    secret: true,
  })
  @IsOptional()
  @Matches(/^smtps?:\/\/([^:@/?#\s]+:[^:@/?#\s]*@)?(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z.-]+)(:\d{1,5})?\/?$/, {
    message: 'must be smtp://user:password@host:port or smtps://, with reserved characters percent-encoded',
  })
  smtpUrl?: string;

  @Setting('CORE_AUTH_MAIL_FROM', {
    description:
      'Sender of all mail: `Name <address>` or an address. Required with CORE_AUTH_SMTP_URL in production.',
    default: '`Core Auth <no-reply@localhost>`; none in production',
  })
  @Matches(/^([^<>"@\p{Cc}]{1,100} <[^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+>|[^<>\s@\p{Cc}]+@[^<>\s@\p{Cc}]+)$/u, {
    message: 'must be an address, or a name followed by an address in angle brackets',
  })
  mailFrom = 'Core Auth <no-reply@localhost>';

  @Setting('CORE_AUTH_SELF_REGISTRATION', {
    description: 'Whether anybody who proves an e-mail address may make an account: `on` or `off`.',
    default: 'on; in production off',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  selfRegistration: 'on' | 'off' = 'on';

  @Setting('CORE_AUTH_BREACHED_PASSWORDS_URL', {
    description:
      'A service that knows breached passwords by the first five digits of their SHA-1 (`GET URL/21BD1`, as Have I Been Pwned: `https://api.pwnedpasswords.com/range`). Asked for every new password beside the list that ships with the server; while it does not answer, that list decides alone. No password is asked about unless set.',
  })
  @IsOptional()
  @Matches(/^https?:\/\/[^?#\s@]+$/, { message: 'must be an http(s) URL without query' })
  breachedPasswordsUrl?: string;

  @Setting('CORE_AUTH_ORGANIZATION_CREATION', {
    description:
      'Whether anybody who is signed in may create an organization, and then owns it: `on` or `off`. With `off` they are created by `core-auth organizations create` alone.',
    default: 'on',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  organizationCreation: 'on' | 'off' = 'on';

  @Setting('CORE_AUTH_ORGANIZATIONS_PER_PERSON', {
    description: 'Organizations that one person may have created.',
    default: '10',
  })
  @WholeNumber(1, 1000)
  organizationsPerPerson = 10;

  @Setting('CORE_AUTH_DELETION_GRACE_DAYS', {
    description:
      'Days after which an organization or an account whose deletion was asked for is removed; until then the deletion can be undone.',
    default: '14',
  })
  @WholeNumber(1, 90)
  deletionGraceDays = 14;

  @Setting('CORE_AUTH_DEMO_ACCOUNTS', {
    description:
      'E-mail addresses of demonstration accounts, separated by commas, that the sign-in page offers. Set by `npm start`; refused in production.',
  })
  @IsArray()
  demonstrationAccounts: readonly string[] = [];
}
