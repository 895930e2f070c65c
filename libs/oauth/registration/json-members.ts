import { parseUri } from '#platform';
import { InvalidClientMetadata } from '../oauth.errors.js';

export type JsonObject = Readonly<Record<string, unknown>>;

const MAX_TEXT = 2048;
/** Control and format characters, lone surrogates and line separators: no name or address needs any. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** @throws InvalidClientMetadata when it is anything but a JSON object */
export function jsonObject(value: unknown): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidClientMetadata('The client metadata must be one JSON object.');
  }
  return value as JsonObject;
}

/** RFC 7592 §2.2: a member that is null counts as left out. */
export function member(json: JsonObject, name: string): unknown {
  return Object.hasOwn(json, name) ? (json[name] ?? undefined) : undefined;
}

export function text(json: JsonObject, name: string, longest = MAX_TEXT): string | undefined {
  const value = member(json, name);
  return value === undefined ? undefined : requireText(value, name, longest);
}

/** A list of texts, each once. */
export function texts(
  json: JsonObject,
  name: string,
  { most, longest = MAX_TEXT }: { readonly most: number; readonly longest?: number },
): string[] | undefined {
  const value = member(json, name);
  if (value === undefined) return undefined;
  if (!Array.isArray(value) || value.length > most) {
    throw new InvalidClientMetadata(`${name} must be a list of ${most} texts at most.`);
  }
  return [...new Set(value.map((each) => requireText(each, name, longest)))];
}

export function flag(json: JsonObject, name: string): boolean {
  const value = member(json, name) ?? false;
  if (typeof value !== 'boolean') throw new InvalidClientMetadata(`${name} must be true or false.`);
  return value;
}

/** An https URL; with `http` the caller checks whether it may be that instead. */
export function webAddress(
  json: JsonObject,
  name: string,
  { http = false }: { readonly http?: boolean } = {},
): string | undefined {
  const address = text(json, name);
  if (address === undefined) return undefined;
  const url = parseUri(address);
  if (url?.protocol !== 'https:' && !(http && url?.protocol === 'http:')) {
    throw new InvalidClientMetadata(`${name} must be an https URL.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidClientMetadata(`${name} must not contain user information.`);
  }
  return address;
}

function requireText(value: unknown, name: string, longest: number): string {
  if (typeof value !== 'string' || value === '') throw new InvalidClientMetadata(`${name} must be text.`);
  if (value.length > longest)
    throw new InvalidClientMetadata(`${name} is longer than ${longest} characters.`);
  if (UNFIT.test(value)) throw new InvalidClientMetadata(`${name} holds characters that cannot be shown.`);
  return value;
}
