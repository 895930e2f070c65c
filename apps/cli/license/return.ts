import { LicenseFileDenied, readLicenseFile, verifyLicenseFile } from '@core-auth/module-kit/offline';
import { PublicError } from '#platform';
import { ACTOR } from '../actor.js';
import { readText } from './files.js';
import type { Opened } from './opened.js';
import type { Outcome } from './outcome.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Gives the seats of a file back; of one that was returned before nothing is left to do.
 * @param named the grant's id, or the path of the file
 * @throws UsageError; PublicError 403 `OFFLINE_…` of a file that is none of ours, and those of OfflineLicenses.return
 */
export async function giveBack(opened: Opened, named: string): Promise<Outcome> {
  const grant = UUID.test(named) ? named : await grantOf(opened, await readText(named));
  try {
    const { licenseId, instance, seatBlock, ended } = await opened.offline.return(grant, ACTOR.id);
    const seats = seatBlock === 1 ? '1 seat' : `${seatBlock} seats`;
    const text = ended
      ? `Returned ${grant}: it had ended, and ${instance} can use it no more. Its ${seats} came back to license ${licenseId} then.`
      : `Returned ${grant}: ${seats} ${seatBlock === 1 ? 'is' : 'are'} back in license ${licenseId}. ` +
        `Nothing stops ${instance} from going on with the file until it ends: see that it is gone from there.`;
    return {
      exit: 0,
      text,
      json: { grant, license: licenseId, instance, seats: seatBlock, returned: 'now', ended },
    };
  } catch (error) {
    if (!(error instanceof PublicError) || error.code !== 'grant_returned') throw error;
    const text = `${grant} was returned before; nothing was changed.`;
    return { exit: 0, text, json: { grant, returned: 'before' } };
  }
}

/** The grant of a file that we have signed: a file that somebody changed could name another customer's. */
async function grantOf({ keys, configuration }: Opened, file: string): Promise<string> {
  try {
    const { claims } = readLicenseFile(file);
    const expected = { instance: claims.aud, issuer: configuration.issuer, keys: await keys.publicKeys() };
    return (await verifyLicenseFile(file, expected)).jti;
  } catch (error) {
    if (!(error instanceof LicenseFileDenied)) throw error;
    throw new PublicError(
      403,
      error.code,
      `${error.message} To return it all the same, name its grant instead of the file.`,
    );
  }
}
