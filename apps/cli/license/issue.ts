import type { IssuedLicenseFile } from '#licensing';
import { addSeconds } from '#platform';
import { ACTOR } from '../actor.js';
import { requireKeyEncryption } from '../key-encryption.js';
import { OutputFile } from './files.js';
import type { IssueWish } from './issue-wish.js';
import type { Opened } from './opened.js';
import { UsageError, type Outcome } from './outcome.js';

const A_DAY = 86_400;

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
