import { LONGEST_FILE_DAYS } from '@core-auth/module-kit/offline';
import { UsageError } from './outcome.js';

export interface IssueOptions {
  readonly license?: string | undefined;
  readonly organization?: string | undefined;
  readonly module?: string | undefined;
  readonly instance?: string | undefined;
  readonly seats?: string | undefined;
  readonly days?: string | undefined;
  readonly output?: string | undefined;
  readonly force?: boolean | undefined;
}

export interface IssueWish {
  readonly target: { readonly license: string } | { readonly organization: string; readonly module: string };
  readonly instance: string;
  readonly seatBlock: number;
  readonly days: number;
  readonly output: string;
  readonly force: boolean;
}

/** @throws UsageError `invalid_arguments` */
export function issueWishOf(options: IssueOptions): IssueWish {
  const { instance, output, seats, days = '30', force = false } = options;
  const target = targetOf(options);
  if (!instance) throw wrong('Say with --instance NAME which instance the file is for.');
  if (!output) throw wrong('Say with --output FILE where the file goes.');
  if (!seats || !/^\d{1,7}$/.test(seats)) {
    throw wrong('Say with --seats N how many seats go with the file; 0 of a license for everybody.');
  }
  const length = /^\d{1,3}$/.test(days) ? Number(days) : 0;
  if (length < 1 || length > LONGEST_FILE_DAYS) {
    throw wrong(`--days is a whole number from 1 to ${LONGEST_FILE_DAYS}.`);
  }
  return { target, instance, output, seatBlock: Number(seats), days: length, force };
}

function targetOf({ license, organization, module }: IssueOptions): IssueWish['target'] {
  if (license && organization === undefined && module === undefined) return { license };
  if (organization && module && license === undefined) return { organization, module };
  throw wrong('Name the license: either --license ID, or --organization KEY with --module KEY.');
}

function wrong(sentence: string): UsageError {
  return new UsageError('invalid_arguments', sentence);
}
