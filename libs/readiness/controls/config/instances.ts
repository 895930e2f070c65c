export interface Instances {
  readonly count: number;
  /** Whether each process is connected under a name of its own, so that the count can be trusted. */
  readonly named: boolean;
}

/** Processes of the server that share the database, told apart by their `application_name` (`core-auth <instance>`). */
export function instancesOf(applications: readonly string[]): Instances {
  const own = applications.filter((name) => /^core-auth [0-9a-z-]+$/i.test(name));
  return { count: Math.max(1, own.length), named: own.length > 0 && own.length === applications.length };
}
