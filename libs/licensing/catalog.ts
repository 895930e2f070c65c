import { isFeatureValue, type FeatureDefinition, type FeatureValue } from '@core-auth/module-kit/licensing';

/** A product application of the suite, as it is sold. */
export interface Module {
  readonly key: string;
  readonly name: string;
  /** Without a trailing slash; also the audience of its access tokens. */
  readonly baseUrl: string;
  readonly environment: string;
}

export interface NewModule {
  readonly key: string;
  readonly name: string;
  readonly baseUrl: string;
  /** `production` unless told. */
  readonly environment?: string;
}

export interface NewFeature extends FeatureDefinition {
  readonly moduleKey: string;
}

export type PlanFeatures = Readonly<Record<string, FeatureValue>>;

export interface NewPlanVersion {
  /** A random UUID unless told. */
  readonly id?: string;
  readonly planKey: string;
  readonly name: string;
  readonly moduleKey: string;
  readonly features: PlanFeatures;
}

export interface PlanVersion {
  readonly id: string;
  readonly planKey: string;
  /** Counts from 1 for each plan. */
  readonly version: number;
  readonly name: string;
  readonly moduleKey: string;
  readonly features: PlanFeatures;
}

/** Keys of modules, features, plans: small letters, digits and hyphens, a letter first, at most 63. */
export function isCatalogKey(key: string): boolean {
  return /^[a-z][a-z0-9-]{0,62}$/.test(key);
}

/**
 * The base URL as it is stored and compared: http or https, no credentials, query or fragment, no trailing slash.
 * @returns undefined when it is none
 */
export function normalizeBaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = !url.username && !url.password && !url.search && !url.hash;
  if (!plain || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined;
  return url.href.replace(/\/+$/, '');
}

/** What is wrong with a plan's values for a module's features, as a sentence; undefined when nothing is. */
export function planProblem(
  features: PlanFeatures,
  definitions: readonly FeatureDefinition[],
): string | undefined {
  const problems = Object.entries(features).flatMap(
    ([key, value]) => featureProblem(key, value, definitions) ?? [],
  );
  return problems.length > 0 ? problems.join(' ') : undefined;
}

/** As planProblem, for one value. */
export function featureProblem(
  key: string,
  value: FeatureValue,
  definitions: readonly FeatureDefinition[],
): string | undefined {
  const definition = definitions.find((candidate) => candidate.key === key);
  if (!definition) return `The module has no feature "${key}".`;
  if (isFeatureValue(value, definition.type)) return undefined;
  return definition.type === 'boolean'
    ? `The feature "${key}" is true or false.`
    : `The feature "${key}" is a whole number from 0 up, or null for unlimited.`;
}
