import type { Principal } from '../guards/principal.js';

/** A link on a page of the kit. */
export interface PageAction {
  label: string;
  href: string;
}

/** What an error page is about; every text is plain and needs escaping. */
export interface ErrorView {
  moduleName: string;
  /** HTTP status. */
  status: number;
  /** Stable code, e.g. `NO_LICENSE`. */
  code: string;
  title: string;
  detail: string;
  /** Ways on, the best first. */
  actions: PageAction[];
  /** Who asked, when that was known already. */
  principal?: Principal;
}

export interface SignedOutView {
  moduleName: string;
  signInUrl: string;
}

/**
 * The pages that the kit shows. A module may bring its own: each returns a whole HTML document, and the module then
 * sees to its Content-Security-Policy itself.
 */
export interface KitPages {
  error(view: ErrorView): string;
  signedOut(view: SignedOutView): string;
}
