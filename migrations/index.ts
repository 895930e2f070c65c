import { Accounts1700000000001 } from './0001-accounts.js';
import { Licensing1700000000002 } from './0002-licensing.js';
import { Keys1700000000003 } from './0003-keys.js';
import { Sessions1700000000004 } from './0004-sessions.js';
import { OAuth1700000000005 } from './0005-oauth.js';
import { Events1700000000006 } from './0006-events.js';
import { AuthorizationServer1700000000007 } from './0007-authorization-server.js';
import { KeyRotation1700000000008 } from './0008-key-rotation.js';
import { Deliveries1700000000009 } from './0009-deliveries.js';
import { EventReceivers1700000000010 } from './0010-event-receivers.js';
import { ModulePermissions1700000000011 } from './0011-module-permissions.js';
import { Registration1700000000012 } from './0012-registration.js';
import { LicenseTerms1700000000013 } from './0013-license-terms.js';
import { UsageExport1700000000014 } from './0014-usage-export.js';
import { AuditHistory1700000000015 } from './0015-audit-history.js';
import { MailAndTokens1700000000016 } from './0016-mail-and-tokens.js';
import { Devices1700000000017 } from './0017-devices.js';
import { Passwords1700000000018 } from './0018-passwords.js';
import { Factors1700000000019 } from './0019-factors.js';
import { Organizations1700000000020 } from './0020-organizations.js';
import { SessionLimits1700000000021 } from './0021-sessions.js';
import { AuditChain1700000000022 } from './0022-audit-chain.js';
import { AccountData1700000000023 } from './0023-account-data.js';
import { OrganizationEnds1700000000024 } from './0024-organization-ends.js';
import { EncryptionAtRest1700000000025 } from './0025-encryption.js';
import { ClientPolicy1700000000028 } from './0028-client-policy.js';
import { Deletion1700000000029 } from './0029-deletion.js';
import { LengthAndMoves1700000000031 } from './0031-length-and-moves.js';
import { SecondFactorTries1700000000033 } from './0033-second-factor-tries.js';
import { Overrides1700000000037 } from './0037-overrides.js';
import { EventFacts1700000000038 } from './0038-event-facts.js';
import { NoOrganization1700000000039 } from './0039-no-organization.js';
import { RefusedActs1700000000040 } from './0040-refused-acts.js';
import { EndedPassword1700000000041 } from './0041-ended-password.js';

/** Every migration, oldest first; named one by one so that the build, and not a file search, decides what runs. */
export const migrations = [
  Accounts1700000000001,
  Licensing1700000000002,
  Keys1700000000003,
  Sessions1700000000004,
  OAuth1700000000005,
  Events1700000000006,
  AuthorizationServer1700000000007,
  KeyRotation1700000000008,
  Deliveries1700000000009,
  EventReceivers1700000000010,
  ModulePermissions1700000000011,
  Registration1700000000012,
  LicenseTerms1700000000013,
  UsageExport1700000000014,
  AuditHistory1700000000015,
  MailAndTokens1700000000016,
  Devices1700000000017,
  Passwords1700000000018,
  Factors1700000000019,
  Organizations1700000000020,
  SessionLimits1700000000021,
  AuditChain1700000000022,
  AccountData1700000000023,
  OrganizationEnds1700000000024,
  EncryptionAtRest1700000000025,
  ClientPolicy1700000000028,
  Deletion1700000000029,
  LengthAndMoves1700000000031,
  SecondFactorTries1700000000033,
  Overrides1700000000037,
  EventFacts1700000000038,
  NoOrganization1700000000039,
  RefusedActs1700000000040,
  EndedPassword1700000000041,
];
