import 'reflect-metadata';
import { ConfigurationError } from '#platform';
import { accountsCommand } from './commands/accounts.command.js';
import { auditCommand } from './commands/audit.command.js';
import { keysCommand } from './commands/keys.command.js';
import { licenseCommand } from './commands/license.command.js';
import { migrateCommand } from './commands/migrate.command.js';
import { operatorsCommand } from './commands/operators.command.js';
import { organizationsCommand } from './commands/organizations.command.js';
import { registrationTokenCommand } from './commands/registration-token.command.js';
import { seatsCommand } from './commands/seats.command.js';
import { seedCommand } from './commands/seed.command.js';
import { startCommand } from './commands/start.command.js';
import { LaunchError } from './development/launch-error.js';
import { terminal } from './terminal.js';

interface Command {
  readonly about: string;
  readonly run: (env: NodeJS.ProcessEnv, args: readonly string[]) => Promise<number>;
  /** Whether it reads what comes after its name; a command that does not is given nothing. */
  readonly takesArguments?: boolean;
}

const commands: Readonly<Record<string, Command>> = {
  start: { about: 'start everything: database (in development), server and both modules', run: startCommand },
  migrate: {
    about: 'bring the tables of DATABASE_URL up to date, and grant the role of the server what it needs',
    run: migrateCommand,
    takesArguments: true,
  },
  seed: {
    about: 'migrate, and fill an empty database with the demonstration; not in production',
    run: seedCommand,
  },
  keys: {
    about: 'list, rotate, revoke and rewrap the keys of the server',
    run: keysCommand,
    takesArguments: true,
  },
  'registration-token': {
    about: 'create, list and revoke the tokens that let somebody register clients',
    run: registrationTokenCommand,
    takesArguments: true,
  },
  seats: {
    about: 'give seats to the people that a CSV file names',
    run: seatsCommand,
    takesArguments: true,
  },
  license: {
    about: 'issue, verify, inspect and return license files for use without a network, and their keys',
    run: licenseCommand,
    takesArguments: true,
  },
  accounts: {
    about: 'make an account, and end the delays that failed sign-ins have brought one',
    run: accountsCommand,
    takesArguments: true,
  },
  organizations: {
    about: 'list and create organizations',
    run: organizationsCommand,
    takesArguments: true,
  },
  audit: {
    about: 'verify that the audit trail is what was written',
    run: auditCommand,
    takesArguments: true,
  },
  operators: {
    about: 'list, add and remove the people who administer every organization',
    run: operatorsCommand,
    takesArguments: true,
  },
};

function usage(): string {
  const lines = Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(20)}${about}`);
  return ['Usage: core-auth <command>', '', ...lines].join('\n');
}

async function main(args: readonly string[]): Promise<number> {
  const [name = '', ...rest] = args;
  if (['help', '--help', '-h'].includes(name)) {
    terminal.say(usage());
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command || (rest.length > 0 && !command.takesArguments)) {
    terminal.complain(usage());
    return 1;
  }
  try {
    return await command.run(process.env, rest);
  } catch (error) {
    const expected = error instanceof LaunchError || error instanceof ConfigurationError;
    terminal.complain(
      expected ? error.message : `Core Auth stopped: ${error instanceof Error ? error.stack : String(error)}`,
    );
    return 1;
  }
}

process.exit(await main(process.argv.slice(2)));
