import 'reflect-metadata';
import { LaunchError } from './development/launch-error.js';
import { terminal } from './terminal.js';

type Run = (env: NodeJS.ProcessEnv, args: readonly string[]) => Promise<number>;

interface Command {
  readonly about: string;
  /** Only the command that is run is read from the disk: most of the second that it takes. */
  readonly load: () => Promise<Run>;
  /** Whether it reads what comes after its name; a command that does not is given nothing. */
  readonly takesArguments?: boolean;
}

const commands: Readonly<Record<string, Command>> = {
  start: {
    about: 'start everything: database (in development), server and both modules',
    load: async () => (await import('./commands/start.command.js')).startCommand,
  },
  migrate: {
    about: 'bring the tables of DATABASE_URL up to date, and grant the role of the server what it needs',
    load: async () => (await import('./commands/migrate.command.js')).migrateCommand,
    takesArguments: true,
  },
  seed: {
    about: 'migrate, and fill an empty database with the demonstration; not in production',
    load: async () => (await import('./commands/seed.command.js')).seedCommand,
  },
  keys: {
    about: 'list, rotate, revoke and rewrap the keys of the server',
    load: async () => (await import('./commands/keys.command.js')).keysCommand,
    takesArguments: true,
  },
  'registration-token': {
    about: 'create, list and revoke the tokens that let somebody register clients',
    load: async () => (await import('./commands/registration-token.command.js')).registrationTokenCommand,
    takesArguments: true,
  },
  seats: {
    about: 'give seats to the people that a CSV file names',
    load: async () => (await import('./commands/seats.command.js')).seatsCommand,
    takesArguments: true,
  },
  license: {
    about: 'issue, verify, inspect and return license files for use without a network, and their keys',
    load: async () => (await import('./commands/license.command.js')).licenseCommand,
    takesArguments: true,
  },
  accounts: {
    about: 'make, disable and enable accounts, and end the delays that failed sign-ins have brought one',
    load: async () => (await import('./commands/accounts.command.js')).accountsCommand,
    takesArguments: true,
  },
  organizations: {
    about: 'list, create, suspend and resume organizations',
    load: async () => (await import('./commands/organizations.command.js')).organizationsCommand,
    takesArguments: true,
  },
  clients: {
    about: 'list, make, change and disable clients, and what each is held to',
    load: async () => (await import('./commands/clients.command.js')).clientsCommand,
    takesArguments: true,
  },
  modules: {
    about: 'list, make and change modules, and what roles may do in them',
    load: async () => (await import('./commands/modules.command.js')).modulesCommand,
    takesArguments: true,
  },
  audit: {
    about: 'verify that the audit trail is what was written',
    load: async () => (await import('./commands/audit.command.js')).auditCommand,
    takesArguments: true,
  },
  operators: {
    about: 'list, add and remove the people who administer every organization',
    load: async () => (await import('./commands/operators.command.js')).operatorsCommand,
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
    const run = await command.load();
    return await run(process.env, rest);
  } catch (error) {
    const { ConfigurationError } = await import('#platform');
    const expected = error instanceof LaunchError || error instanceof ConfigurationError;
    terminal.complain(
      expected ? error.message : `Core Auth stopped: ${error instanceof Error ? error.stack : String(error)}`,
    );
    return 1;
  }
}

const code = await main(process.argv.slice(2));
await terminal.written();
process.exit(code);
