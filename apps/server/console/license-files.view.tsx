import type { VNode } from 'preact';
import type { GrantedFile, LicenseOverview } from '#licensing';
import { Confirmed } from '../organization/fields.js';
import { HiddenFields } from '../pages/form.js';
import type { Account } from '../pages/layout.js';
import { Moment } from '../pages/moment.js';

/** What somebody typed into the form for a new file. */
export interface TypedFile {
  readonly instance: string;
  readonly seats: string;
  readonly days: string;
}

export interface FilesShown {
  /** The newest first. */
  readonly files: readonly GrantedFile[];
  /** Whether the reader may issue files, and take them back. */
  readonly mayIssue: boolean;
  readonly typed: TypedFile | undefined;
}

interface FilesProps {
  readonly account: Account;
  readonly license: LicenseOverview;
  readonly files: FilesShown;
  readonly at: Date;
}

function State({ file, at }: { file: GrantedFile; at: Date }): VNode {
  const { returnedAt, replacedBy, expiresAt } = file;
  if (replacedBy !== null) {
    return <span class="state state-not-applicable">Replaced by number {replacedBy}</span>;
  }
  if (returnedAt !== null) return <span class="state state-not-applicable">Returned</span>;
  if (expiresAt <= at) return <span class="state state-not-applicable">Ended</span>;
  return <span class="state state-verified">Out</span>;
}

function FileRow({ file, license, account, files, at }: FilesProps & { file: GrantedFile }): VNode {
  const { id, instance, sequence, seatBlock, issuedAt, expiresAt, returnedAt } = file;
  const out = returnedAt === null && expiresAt > at;
  return (
    <li>
      <span class="contact">
        <span>
          {instance}, number {sequence} <State file={file} at={at} />
        </span>
        <span class="muted small">
          {seatBlock === 1 ? '1 seat' : `${seatBlock} seats`}, issued <Moment at={issuedAt} />
        </span>
        <span class="muted small">
          {returnedAt === null ? (
            <>
              {out ? 'Ends' : 'Ended'} <Moment at={expiresAt} />
            </>
          ) : (
            <>
              Back since <Moment at={returnedAt} />
            </>
          )}
        </span>
      </span>
      {out && files.mayIssue && (
        <Confirmed summary="Return" label={`Return number ${sequence} of ${instance}`}>
          <form method="post" action={`/console/licenses/${license.id}/files/return`}>
            <HiddenFields csrfToken={account.csrfToken} />
            <input type="hidden" name="grant" value={id} />
            <p class="small">Its seats come back at once. See that the file is gone from {instance} first.</p>
            <button class="button" type="submit">
              Return the file
            </button>
          </form>
        </Confirmed>
      )}
    </li>
  );
}

function Issue({ license, account, files }: FilesProps): VNode {
  const { instance, seats, days } = files.typed ?? {
    instance: '',
    seats: license.seatLimit === null ? '0' : '',
    days: '30',
  };
  return (
    <Confirmed summary="Issue a file" open={files.typed !== undefined}>
      <form method="post" action={`/console/licenses/${license.id}/files`}>
        <HiddenFields csrfToken={account.csrfToken} />
        <div class="field">
          <label for="instance">Instance</label>
          <p class="muted small" id="instance-hint">
            Letters, digits, dots, underscores and hyphens. A file for one that has one already takes its
            place.
          </p>
          <input
            id="instance"
            name="instance"
            type="text"
            required
            maxLength={128}
            autocapitalize="none"
            autocomplete="off"
            spellcheck={false}
            aria-describedby="instance-hint"
            value={instance}
          />
        </div>
        <div class="field">
          <label for="file_seats">Seats</label>
          <input
            id="file_seats"
            name="seats"
            type="text"
            inputMode="numeric"
            autocomplete="off"
            required
            value={seats}
          />
        </div>
        <div class="field">
          <label for="file_days">Days</label>
          <input
            id="file_days"
            name="days"
            type="text"
            inputMode="numeric"
            autocomplete="off"
            required
            value={days}
          />
        </div>
        <p class="muted small">
          The file is downloaded at once and is not kept here; load this page again to see it above. Carry it
          to the instance together with the <a href="/.well-known/core-auth-license-keys">license keys</a>.
        </p>
        <button class="button button-primary" type="submit">
          Issue and download
        </button>
      </form>
    </Confirmed>
  );
}

/** License files of instances without a network. */
export function Files(props: FilesProps): VNode {
  const { files, mayIssue } = props.files;
  return (
    <section class="panel" aria-labelledby="files">
      <h2 id="files">License files</h2>
      <p class="muted">
        {files.length === 0
          ? 'For an instance without a network. None was issued.'
          : 'For instances without a network. The seats of a file are away until it ends or is returned; nothing stops an instance from going on with its file until then.'}
      </p>
      {files.length > 0 && (
        <ul class="account-list seat-list">
          {files.map((file) => (
            <FileRow key={file.id} {...props} file={file} />
          ))}
        </ul>
      )}
      {mayIssue ? (
        <Issue {...props} />
      ) : (
        <p class="muted small">Ask the supplier for a file, and to take one back.</p>
      )}
    </section>
  );
}
