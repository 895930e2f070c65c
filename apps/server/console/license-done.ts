/** What a form of a license's page has done, and what the page says of it. */
export const LICENSE_DONE = {
  assigned: 'The seat was assigned.',
  released: 'The seat was released.',
  ended: 'The floating seat was ended. Its holder may take another one that is free.',
  returned: 'The license file was returned, and its seats are back.',
} as const;

export type LicenseDone = keyof typeof LICENSE_DONE;
