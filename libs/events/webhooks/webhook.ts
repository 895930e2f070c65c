import { createHmac, randomBytes } from 'node:crypto';
import { EVENT_KINDS, type EventKind } from '../outbox-event.js';
import { isPublicKind } from '../security-event.js';

const SECRET_BYTES = 32;
const PREFIX = 'whsec_';

/** An address of a module that is told of events. */
export interface Webhook {
  readonly id: string;
  readonly url: string;
  /** Null: events of every kind. */
  readonly kinds: readonly EventKind[] | null;
  readonly createdAt: Date;
  /** Its receiver answered 410: it is told of nothing any more. */
  readonly disabledAt: Date | null;
}

export function newWebhookSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** Standard Webhooks, "Signature scheme": `whsec_` and the base64 of the secret. */
export function webhookSecretText(secret: Buffer): string {
  return PREFIX + secret.toString('base64');
}

/** Standard Webhooks, "Signature scheme": HMAC-SHA256 of id, timestamp and body; one signature for each secret in use. */
export function webhookSignature(
  secrets: readonly Buffer[],
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): string {
  return secrets
    .map(
      (secret) => `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
    )
    .join(' ');
}

/** The kinds that a list separated by spaces names, each once; undefined when one of them is none that anybody is told. */
export function parseKinds(text: string): readonly EventKind[] | undefined {
  const names = new Set(text.split(' '));
  const kinds = EVENT_KINDS.filter((kind) => names.has(kind) && isPublicKind(kind));
  return kinds.length === names.size ? kinds : undefined;
}
