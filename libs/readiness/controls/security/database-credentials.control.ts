import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import { isLoopback, parseDatabaseUrl } from '../config/database-address.js';

/** The role can do no more than the server needs, and nobody reads its password on the way. */
export const databaseCredentials: Control = {
  id: 'security.data.database-credentials',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ configuration, database }) {
    const role = await database.role();
    const address = parseDatabaseUrl(configuration.databaseUrl);
    const powers = [
      role.superuser && 'SUPERUSER',
      role.createRole && 'CREATEROLE',
      role.createDatabase && 'CREATEDB',
      role.replication && 'REPLICATION',
      role.bypassRowSecurity && 'BYPASSRLS',
    ].filter((power) => power !== false);
    if (powers.length > 0) {
      return failed(
        'a role without the powers of an administrator',
        `${role.name} has ${powers.join(', ')}`,
        `ALTER ROLE ${role.name} ${powers.map((power) => `NO${power}`).join(' ')}; or let DATABASE_URL name a role of its own`,
      );
    }
    if (role.foreignSchemas.length > 0) {
      return failed(
        "a role that owns no schema but the server's",
        `${role.name} owns ${role.foreignSchemas.join(', ')}`,
        role.foreignSchemas.map((schema) => `ALTER SCHEMA ${schema} OWNER TO postgres;`).join(' '),
      );
    }
    if (address.password === '' || address.password === address.user) {
      return failed(
        'a password that is not the name of the user',
        address.password === '' ? 'no password in DATABASE_URL' : 'the password is the name of the user',
        `ALTER ROLE ${role.name} PASSWORD '…'; and put it into DATABASE_URL`,
      );
    }
    const local = isLoopback(address.host);
    if (!local && address.sslMode !== 'verify-full') {
      return failed(
        'sslmode=verify-full off loopback',
        `sslmode=${address.sslMode} to ${address.host}`,
        'add sslmode=verify-full (and sslrootcert) to DATABASE_URL',
      );
    }
    const transport = local ? 'on this machine' : 'over verified TLS';
    return verified(`role ${role.name} without special powers, with a password, ${transport}`);
  },
};
