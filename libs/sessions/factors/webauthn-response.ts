import { decodeAttestationObject, isoBase64URL } from '@simplewebauthn/server/helpers';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';

/** Attestations that are none of ours aside, what a browser sends is a few kilobytes. */
const LONGEST = 65_536;
/** Web Authentication §5.8.4, and what it became in its third level. */
const TRANSPORTS = ['usb', 'nfc', 'ble', 'smart-card', 'hybrid', 'internal'];

/** What a browser says of a new passkey, as JSON (Web Authentication Level 3 §5.1); undefined for anything else. */
export function readAttestation(text: string): RegistrationResponseJSON | undefined {
  const credential = readCredential(text, ['clientDataJSON', 'attestationObject']);
  return credential as RegistrationResponseJSON | undefined;
}

/** What a browser says of a passkey that was used; undefined for anything else. */
export function readAssertion(text: string): AuthenticationResponseJSON | undefined {
  const credential = readCredential(text, ['clientDataJSON', 'authenticatorData', 'signature']);
  return credential as AuthenticationResponseJSON | undefined;
}

/** The challenge that was signed; whether it is one of ours is still to be seen. */
export function challengeOf(clientDataJSON: string): string | undefined {
  const clientData = parsed(Buffer.from(clientDataJSON, 'base64url').toString());
  const challenge = isObject(clientData) ? clientData['challenge'] : undefined;
  return typeof challenge === 'string' && /^[A-Za-z0-9_-]{43}$/.test(challenge) ? challenge : undefined;
}

/**
 * Whether an attestation says nothing of who made the authenticator, as we ask for (Web Authentication §5.4.7, `none`).
 * Others bring certificates along, and whoever verifies those asks the addresses that they name.
 */
export function isPlainAttestation({ response }: RegistrationResponseJSON): boolean {
  try {
    const attestation = decodeAttestationObject(isoBase64URL.toBuffer(response.attestationObject));
    const format = attestation.get('fmt');
    return format === 'none' || (format === 'packed' && attestation.get('attStmt').get('x5c') === undefined);
  } catch {
    return false;
  }
}

/** The ways to reach an authenticator that browsers know, of those that one says it has. */
export function knownTransports(transports: unknown): string[] {
  return TRANSPORTS.filter((known) => Array.isArray(transports) && transports.includes(known));
}

function readCredential(text: string, members: readonly string[]): unknown {
  const credential = text.length > LONGEST ? undefined : parsed(text);
  if (!isObject(credential) || !isObject(credential['response'])) return undefined;
  const { id, rawId, type, response } = credential;
  const named = typeof id === 'string' && /^[A-Za-z0-9_-]{1,1366}$/.test(id) && id === rawId;
  const whole = members.every((member) => typeof response[member] === 'string');
  return named && type === 'public-key' && whole ? credential : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> & { response: Record<string, unknown> } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
