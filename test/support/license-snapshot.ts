/** The snapshot of an organization with one license of `reports`, one override of it and these seats: sound and whole. */
export function reportsSnapshot({
  organizationId = 'organization-1',
  version = 3,
  licenseId = 'license-1',
  seats = ['ada'],
} = {}) {
  return {
    organization: { id: organizationId, key: 'acme', state: 'active' },
    version,
    modules: [
      {
        key: 'reports',
        name: 'Reports',
        environment: 'production',
        baseUrl: 'http://localhost:3002',
        features: [
          { key: 'charts', type: 'limit', combine: 'sum' },
          { key: 'export', type: 'boolean', combine: 'max' },
        ],
      },
    ],
    licenses: [
      {
        id: licenseId,
        module: 'reports',
        environment: 'production',
        status: 'issued',
        startsAt: '2026-01-01T00:00:00.000Z',
        endsAt: '2030-01-01T00:00:00.000Z',
        graceDays: 14,
        trial: false,
        overage: 'refuse',
        timeZone: 'UTC',
        seatOnFirstUse: false,
        terms: [
          {
            effectiveAt: '2026-01-01T00:00:00.000Z',
            seatModel: 'named',
            seatLimit: 2,
            surplusUntil: null,
            features: { charts: 5, export: true },
          },
        ],
        overrides: [
          {
            feature: 'charts',
            removed: false,
            value: null,
            startsAt: '2029-06-01T00:00:00.000Z',
            endsAt: '2029-07-01T00:00:00.000Z',
          },
        ],
        seats,
      },
    ],
  };
}
