const sentences: Readonly<Record<string, string>> = {
  'license.draft': 'Drafted',
  'license.issue': 'Issued',
  'license.start-trial': 'Trial started',
  'license.convert-trial': 'Trial became a purchase',
  'license.renew': 'Renewed',
  'license.change-terms': 'Plan or seats changed',
  'license.limit-seats': 'Limited to a million seats',
  'license.cancel-change': 'Planned change cancelled',
  'license.override': 'Feature changed beside the plan',
  'license.end-override': 'Feature change given an end',
  'license.remove-override': 'Feature change removed',
  'seat.assign': 'Seat assigned',
  'seat.release': 'Seat released',
  'seat.reserve': 'Seat reserved for an invitation',
  'seat.cancel-reservation': 'Reserved seat given back',
  'seat.lease': 'Floating seat taken',
  'seat.release-lease': 'Floating seat given back',
  'offline-grant.issue': 'License file issued',
  'offline-grant.return': 'License file returned',
};

const announced: Readonly<Record<string, string>> = {
  'license-started': 'Began',
  'license-terms-changed': 'Planned change took effect',
  'license-ending': 'Announced that the end is near',
  'license-grace': 'Ended; the grace began',
  'license-expired': 'Expired',
};

/** What was done with a license, for a person; an act without words of its own is named by its key. */
export function licenseActSentence(
  act: string,
  detail: unknown,
  nameOf: (userId: string) => string | undefined,
): string {
  const { user, status, feature, kind, instance, sequence } = record(detail);
  if (act === 'license.announce' && typeof kind === 'string') return announced[kind] ?? kind;
  if (act === 'license.change-status' && typeof status === 'string') return `Became ${status}`;
  const words = sentences[act] ?? act;
  if (typeof user === 'string') return `${words}: ${nameOf(user) ?? user}`;
  if (typeof instance === 'string') return `${words}: number ${String(sequence)} for ${instance}`;
  return typeof feature === 'string' ? `${words}: ${feature}` : words;
}

/** The people whom an act is about. */
export function peopleOf(detail: unknown): string[] {
  const { user } = record(detail);
  return typeof user === 'string' ? [user] : [];
}

function record(detail: unknown): Readonly<Record<string, unknown>> {
  return typeof detail === 'object' && detail !== null ? (detail as Record<string, unknown>) : {};
}
