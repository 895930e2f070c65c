import { Accounts1700000000001 } from './0001-accounts.js';
import { Licensing1700000000002 } from './0002-licensing.js';
import { Keys1700000000003 } from './0003-keys.js';
import { Sessions1700000000004 } from './0004-sessions.js';
import { OAuth1700000000005 } from './0005-oauth.js';
import { Events1700000000006 } from './0006-events.js';

/** Every migration, oldest first; named one by one so that the build, and not a file search, decides what runs. */
export const migrations = [
  Accounts1700000000001,
  Licensing1700000000002,
  Keys1700000000003,
  Sessions1700000000004,
  OAuth1700000000005,
  Events1700000000006,
];
