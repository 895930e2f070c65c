import type {
  FeatureDefinition,
  FeatureValue,
  Instant,
  LicenseSnapshot,
  SnapshotBlock,
  SnapshotLicense,
  SnapshotModule,
  SnapshotOverride,
  SnapshotTerms,
} from './snapshot.js';

/** The data is not a license snapshot; the message names the place. */
export class LicenseSnapshotError extends Error {
  constructor(path: string, expected: string) {
    super(`license snapshot: ${path} must be ${expected}`);
    this.name = 'LicenseSnapshotError';
  }
}

/**
 * Checks what came from elsewhere and copies what a decision needs; unknown fields are left behind, so that an
 * older guard understands a newer server.
 * @throws LicenseSnapshotError for anything that is not a complete snapshot.
 */
export function parseLicenseSnapshot(json: unknown): LicenseSnapshot {
  const root = record(json, 'it');
  const organization = record(root['organization'], 'organization');
  const snapshot: LicenseSnapshot = {
    organization: {
      id: text(organization['id'], 'organization.id'),
      key: text(organization['key'], 'organization.key'),
      state: oneOf(organization['state'], ['active', 'suspended'], 'organization.state'),
    },
    version: whole(root['version'], 'version'),
    modules: list(root['modules'], 'modules', parseModule),
    licenses: list(root['licenses'], 'licenses', parseLicense),
  };
  requireUnique(
    snapshot.modules.map(({ key }) => key),
    'modules',
  );
  requireUnique(
    snapshot.licenses.map(({ id }) => id),
    'licenses',
  );
  return snapshot;
}

function parseModule(json: unknown, path: string): SnapshotModule {
  const module = record(json, path);
  const features = list(module['features'], `${path}.features`, parseFeature);
  requireUnique(
    features.map(({ key }) => key),
    `${path}.features`,
  );
  return {
    key: text(module['key'], `${path}.key`),
    name: text(module['name'], `${path}.name`),
    environment: text(module['environment'], `${path}.environment`),
    baseUrl: text(module['baseUrl'], `${path}.baseUrl`),
    features,
  };
}

function parseFeature(json: unknown, path: string): FeatureDefinition {
  const feature = record(json, path);
  const type = oneOf(feature['type'], ['boolean', 'limit', 'metered'], `${path}.type`);
  return {
    key: text(feature['key'], `${path}.key`),
    type,
    combine: oneOf(feature['combine'], ['max', 'sum'], `${path}.combine`),
    ...(type === 'metered'
      ? { period: oneOf(feature['period'], ['day', 'month', 'year'], `${path}.period`) }
      : {}),
  };
}

function parseLicense(json: unknown, path: string): SnapshotLicense {
  const license = record(json, path);
  const { startsAt, endsAt } = interval(license, path);
  const terms = list(license['terms'], `${path}.terms`, parseTerms);
  const instants = terms.map(({ effectiveAt }) => effectiveAt);
  // as numbers: a year of more than four digits begins with a sign
  const ascending = instants.every(
    (one, index) => index === 0 || Date.parse(instants[index - 1] ?? one) <= Date.parse(one),
  );
  if (terms.length === 0 || !ascending) {
    throw new LicenseSnapshotError(`${path}.terms`, 'an array that is not empty, the earliest first');
  }
  requireUnique(instants, `${path}.terms`);
  const seats = list(license['seats'], `${path}.seats`, text);
  // who is listed twice would have two ranks
  requireUnique(seats, `${path}.seats`);
  return {
    id: text(license['id'], `${path}.id`),
    module: text(license['module'], `${path}.module`),
    environment: text(license['environment'], `${path}.environment`),
    status: oneOf(
      license['status'],
      ['draft', 'issued', 'suspended', 'cancelled', 'revoked'],
      `${path}.status`,
    ),
    startsAt,
    endsAt,
    graceDays: whole(license['graceDays'], `${path}.graceDays`),
    trial: flag(license['trial'], `${path}.trial`),
    overage: oneOf(license['overage'], ['refuse', 'allow'], `${path}.overage`),
    timeZone: text(license['timeZone'], `${path}.timeZone`),
    seatOnFirstUse: flag(license['seatOnFirstUse'], `${path}.seatOnFirstUse`),
    terms,
    overrides: list(license['overrides'], `${path}.overrides`, parseOverride),
    seats,
    ...(license['offlineBlocks'] === undefined
      ? {}
      : { offlineBlocks: list(license['offlineBlocks'], `${path}.offlineBlocks`, parseBlock) }),
  };
}

function parseBlock(json: unknown, path: string): SnapshotBlock {
  const block = record(json, path);
  return {
    seats: whole(block['seats'], `${path}.seats`),
    until: instant(block['until'], `${path}.until`),
  };
}

function parseTerms(json: unknown, path: string): SnapshotTerms {
  const terms = record(json, path);
  const seatModel = oneOf(terms['seatModel'], ['named', 'floating', 'unlimited'], `${path}.seatModel`);
  const seatLimit = orNull(terms['seatLimit'], `${path}.seatLimit`, whole);
  if ((seatModel === 'unlimited') !== (seatLimit === null)) {
    throw new LicenseSnapshotError(`${path}.seatLimit`, 'null exactly when seats are unlimited');
  }
  const features = record(terms['features'], `${path}.features`);
  return {
    effectiveAt: instant(terms['effectiveAt'], `${path}.effectiveAt`),
    seatModel,
    seatLimit,
    surplusUntil: orNull(terms['surplusUntil'], `${path}.surplusUntil`, instant),
    features: Object.fromEntries(
      Object.entries(features).map(([key, value]) => [key, featureValue(value, `${path}.features.${key}`)]),
    ),
  };
}

function parseOverride(json: unknown, path: string): SnapshotOverride {
  const override = record(json, path);
  return {
    feature: text(override['feature'], `${path}.feature`),
    removed: flag(override['removed'], `${path}.removed`),
    value: featureValue(override['value'], `${path}.value`),
    ...interval(override, path),
  };
}

function interval(
  fields: Record<string, unknown>,
  path: string,
): { startsAt: Instant; endsAt: Instant | null } {
  const startsAt = instant(fields['startsAt'], `${path}.startsAt`);
  const endsAt = orNull(fields['endsAt'], `${path}.endsAt`, instant);
  if (endsAt !== null && Date.parse(endsAt) <= Date.parse(startsAt)) {
    throw new LicenseSnapshotError(`${path}.endsAt`, 'after startsAt');
  }
  return { startsAt, endsAt };
}

function record(json: unknown, path: string): Record<string, unknown> {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new LicenseSnapshotError(path, 'an object');
  }
  return json as Record<string, unknown>;
}

function list<T>(json: unknown, path: string, parse: (item: unknown, path: string) => T): T[] {
  if (!Array.isArray(json)) throw new LicenseSnapshotError(path, 'an array');
  return json.map((item, index) => parse(item, `${path}[${index}]`));
}

function orNull<T>(json: unknown, path: string, parse: (json: unknown, path: string) => T): T | null {
  return json === null ? null : parse(json, path);
}

function text(json: unknown, path: string): string {
  if (typeof json !== 'string' || json === '')
    throw new LicenseSnapshotError(path, 'a text that is not empty');
  return json;
}

function flag(json: unknown, path: string): boolean {
  if (typeof json !== 'boolean') throw new LicenseSnapshotError(path, 'true or false');
  return json;
}

function whole(json: unknown, path: string): number {
  if (!isWhole(json)) throw new LicenseSnapshotError(path, 'a whole number from 0 up');
  return json;
}

function isWhole(json: unknown): json is number {
  return typeof json === 'number' && Number.isSafeInteger(json) && json >= 0;
}

/** Only the one form that every host reads alike: without a zone, the host's own would decide. */
function instant(json: unknown, path: string): Instant {
  const parsed = typeof json === 'string' ? new Date(json) : undefined;
  if (!parsed || Number.isNaN(parsed.getTime()) || parsed.toISOString() !== json) {
    throw new LicenseSnapshotError(path, 'an instant like 2026-03-01T00:00:00.000Z');
  }
  return json;
}

function featureValue(json: unknown, path: string): FeatureValue {
  if (json !== null && typeof json !== 'boolean' && !isWhole(json)) {
    throw new LicenseSnapshotError(path, 'true, false, a whole number from 0 up or null');
  }
  return json;
}

function oneOf<T extends string>(json: unknown, allowed: readonly T[], path: string): T {
  const found = allowed.find((candidate) => candidate === json);
  if (found === undefined) throw new LicenseSnapshotError(path, `one of ${allowed.join(', ')}`);
  return found;
}

function requireUnique(keys: readonly string[], path: string): void {
  if (new Set(keys).size !== keys.length) throw new LicenseSnapshotError(path, 'free of repetitions');
}
