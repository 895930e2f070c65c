import { LONGEST_FILE_DAYS, type IssuedLicenseFile } from '#licensing';
import { addSeconds } from '#platform';
import { ACTOR } from '../actor.js';
import { requireKeyEncryption } from '../key-encryption.js';
import { OutputFile } from './files.js';
import type { Opened } from './opened.js';
import { UsageError, type Outcome } from './outcome.js';

const A_DAY = 86_400;

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

/**
 * Writes a license file. The output is made first: a file that could not be written would leave seats away for nothing.
 * @throws UsageError; LaunchError; PublicError as OfflineLicenses.issue and OfflineGrantRepository.licenseFor
 */
export async function issue(opened: Opened, wish: IssueWish): Promise<Outcome> {
  const { target, instance, seatBlock, days } = wish;
  requireKeyEncryption(await opened.rotation.list(), opened.encryption);
  const output = new OutputFile(wish.output, wish.force);
  let issued: IssuedLicenseFile;
  try {
    const licenseId =
      'license' in target
        ? target.license
        : await opened.grants.licenseFor(target.organization, target.module);
    const expiresAt = addSeconds(opened.clock.now(), days * A_DAY);
    issued = await opened.offline.issue({ licenseId, instance, seatBlock, expiresAt }, ACTOR.id);
  } catch (error) {
    output.abandon();
    throw error;
  }
  try {
    output.finish(`${issued.file}\n`);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return unwritten(issued, error);
  }
  return written(issued, wish);
}

function written({ grant, file }: IssuedLicenseFile, { output }: IssueWish): Outcome {
  const until = grant.expiresAt.toISOString();
  const lines = [
    `Wrote ${output}, ${file.length + 1} bytes.`,
    `It is number ${grant.sequence} of license ${grant.licenseId} (${grant.moduleKey}) for the instance ${grant.instance}, with ${seatsOf(grant.seatBlock)}, until ${until}.`,
    `Its grant is ${grant.id}. The seats are away until then, or until "license return ${grant.id}".`,
    grant.sequence === 1
      ? 'Carry it to the instance, with the keys of "license keys export".'
      : 'The former file of this instance has ended with it; the instance keeps its state file, without which it refuses this one.',
  ];
  const json = {
    file: output,
    grant: grant.id,
    license: grant.licenseId,
    organization: grant.organizationId,
    module: grant.moduleKey,
    instance: grant.instance,
    seats: grant.seatBlock,
    sequence: grant.sequence,
    expires_at: until,
  };
  return { exit: 0, text: lines.join('\n'), json };
}

function unwritten({ grant }: IssuedLicenseFile, error: UsageError): Outcome {
  const message =
    `${error.message} ${seatsOf(grant.seatBlock)} stay set aside for it: ` +
    `run "license return ${grant.id}", or issue again for ${grant.instance}, which takes their place.`;
  return { exit: 1, text: message, json: { error: error.code, message, grant: grant.id } };
}

function seatsOf(count: number): string {
  return count === 1 ? '1 seat' : `${count} seats`;
}

function wrong(sentence: string): UsageError {
  return new UsageError('invalid_arguments', sentence);
}
