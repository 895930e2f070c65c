import { issue } from './issue.js';
import type { IssueWish } from './issue-wish.js';
import { exportKeys, listKeys, rotateKeys } from './keys.js';
import { withServer } from './opened.js';
import type { Outcome } from './outcome.js';
import { giveBack } from './return.js';

/** What is done with the server's database and keys. */
export type ServerAct =
  | { readonly what: 'issue'; readonly wish: IssueWish }
  /** @param named the grant, or the file */
  | { readonly what: 'return'; readonly named: string }
  | { readonly what: 'keys list' | 'keys rotate' }
  | { readonly what: 'keys export'; readonly output: string | undefined; readonly force: boolean };

/** @throws UsageError; PublicError; ConfigurationError; LaunchError */
export async function withServerDo(env: NodeJS.ProcessEnv, act: ServerAct): Promise<Outcome> {
  return withServer(env, (opened) => {
    switch (act.what) {
      case 'issue':
        return issue(opened, act.wish);
      case 'return':
        return giveBack(opened, act.named);
      case 'keys list':
        return listKeys(opened);
      case 'keys rotate':
        return rotateKeys(opened);
      case 'keys export':
        return exportKeys(opened, act.output, act.force);
    }
  });
}
