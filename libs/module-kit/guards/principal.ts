/** A person's organization, always from the token. `name` is known in browser sessions only. */
export interface CurrentOrganizationData {
  id: string;
  key: string;
  name?: string;
}

/** The person who is signed in. `name` and `email` are known in browser sessions only. */
export interface CurrentUserData {
  id: string;
  name?: string;
  email?: string;
  roles: readonly string[];
}

/** Who is asking: read from a verified access token and nothing else. */
export interface Principal {
  /** `sub`: the person's id, or the client id of a service. */
  subject: string;
  clientId: string;
  scopes: ReadonlySet<string>;
  /** What the person's role permits here, `projects:archive`; empty for a service. */
  permissions: ReadonlySet<string>;
  user?: CurrentUserData;
  organization?: CurrentOrganizationData;
  sessionId?: string;
  /** The organization's license version when the token was issued; a hint, never the decision. */
  licenseVersion?: number;
  /** To call another module's API in the person's name. */
  accessToken: string;
}
