import type { Configuration } from '#platform';
import { accounts, billing, organizations } from './demonstration-data.js';
import { BILLING_CLIENT_SECRET, type LaunchPlan } from './launcher-settings.js';

export interface Demonstration {
  readonly state: 'created' | 'present';
  /** Undefined when it is none that we know. */
  readonly password: string | undefined;
}

/** What a person needs to begin: addresses, accounts, password. */
export function summary(
  plan: LaunchPlan,
  configuration: Configuration,
  demonstration: Demonstration | undefined,
  dataFolder: string | undefined,
): string {
  const { projects, reports } = plan.modules;
  const lines = [
    '',
    ...table([
      ['Core Auth', configuration.issuer],
      ['Projects', projects.url],
      ['Reports', reports.url],
      ...(configuration.mailbox ? [['Mailbox', `${configuration.issuer}/mailbox`]] : []),
    ]),
  ];
  if (demonstration)
    lines.push(
      '',
      'Demonstration accounts',
      ...table(accounts.map(accountRow)),
      '',
      passwordLine(demonstration),
    );
  if (demonstration && dataFolder) {
    const secret = plan.billingClientSecret
      ? `the one of ${BILLING_CLIENT_SECRET}`
      : `in ${dataFolder}/secrets.json`;
    lines.push(`Client of the licensing API: ${billing.id}, its secret is ${secret}.`);
  }
  if (dataFolder) lines.push('', `Data and logs are in ${dataFolder}. Ctrl-C stops everything.`);
  lines.push('');
  return lines.join('\n');
}

function accountRow({ email, roles, shows }: (typeof accounts)[number]): string[] {
  const named = Object.entries(roles).map(([key, role]) => {
    const organization = organizations.find((candidate) => candidate.key === key);
    return `${organization?.name ?? key}: ${role}`;
  });
  return [email, named.join(', '), shows];
}

function passwordLine({ password }: Demonstration): string {
  return password
    ? `Password of each: ${password}`
    : 'Their password was set elsewhere and is not known here.';
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map(
    (row) =>
      `  ${row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd()}`,
  );
}
