import { IsIn } from 'class-validator';
import { ServerSettings } from './server-settings.js';
import { Setting } from './setting.js';
import { WholeNumber } from './whole-number.js';

/** What protects people and the server: how long sessions and keys last, what operators have to prove, and limits. */
export abstract class ProtectionSettings extends ServerSettings {
  @Setting('CORE_AUTH_SESSION_IDLE', {
    description: 'Seconds without use after which a session ends.',
    default: '3600',
  })
  @WholeNumber(60, 2_592_000)
  sessionIdleSeconds = 3600;

  @Setting('CORE_AUTH_SESSION_ABSOLUTE', {
    description: 'Seconds after which a session ends in any case.',
    default: '86400',
  })
  @WholeNumber(300, 2_592_000)
  sessionAbsoluteSeconds = 86_400;

  @Setting('CORE_AUTH_KEY_ROTATION_DAYS', {
    description:
      'Days after which a key that signs is followed by another; 0 leaves that to `keys rotate`. No token stops working by it.',
    default: '90',
  })
  @WholeNumber(0, 3650)
  keyRotationDays = 90;

  @Setting('CORE_AUTH_SIGN_IN_FAILURES', {
    description:
      'Failed sign-ins of one account after which each further failure delays the next try, twice as long each time; ten times as many from one network. Somebody who has signed in from the same browser before is not delayed by what others did.',
    default: '5',
  })
  @WholeNumber(3, 100)
  signInFailures = 5;

  @Setting('CORE_AUTH_OPERATOR_SECOND_FACTOR', {
    description:
      'Whether an operator needs a second factor to administer licenses, on the pages and through the API: `on` or `off`. Machines have none and are not asked.',
    default: 'off; in production on',
  })
  @IsIn(['on', 'off'], { message: 'must be on or off' })
  operatorSecondFactor: 'on' | 'off' = 'off';

  @Setting('CORE_AUTH_RATE_LIMIT_SIGN_IN', {
    description: 'Sign-in tries per minute and address.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitSignIn = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_DEVICE', {
    description: 'Device codes entered, approved or denied per minute and address.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitDevice = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_TOKEN', {
    description: 'Requests per minute and address at the endpoints that authenticate clients.',
    default: '6000',
  })
  @WholeNumber(1)
  rateLimitToken = 6000;

  @Setting('CORE_AUTH_RATE_LIMIT_REGISTRATION', {
    description: 'Registrations of clients, and calls that manage one, per minute and address.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitRegistration = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_DOCUMENTS', {
    description:
      'Documents of clients that this server fetches per minute for one address; one that it remembers does not count.',
    default: '30',
  })
  @WholeNumber(1)
  rateLimitDocuments = 30;

  @Setting('CORE_AUTH_RATE_LIMIT_MAIL', {
    description:
      'Requests per minute and address that lead to mail: registration, forgotten passwords, new addresses, deletions of accounts and organizations.',
    default: '10',
  })
  @WholeNumber(1)
  rateLimitMail = 10;

  @Setting('CORE_AUTH_RATE_LIMIT_EXPORT', { description: 'Exports per minute and address.', default: '10' })
  @WholeNumber(1)
  rateLimitExport = 10;
}
