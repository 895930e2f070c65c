import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, parseKinds, webhookSecretText, webhookSignature } from './webhook.js';

const now = () => Math.floor(Date.now() / 1000);
const headersOf = (id: string, timestamp: number, signature: string) => ({
  'webhook-id': id,
  'webhook-timestamp': String(timestamp),
  'webhook-signature': signature,
});

describe('webhooks (Standard Webhooks)', () => {
  it('a secret is whsec_ and the base64 of 32 random bytes', () => {
    expect(webhookSecretText(newWebhookSecret())).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(newWebhookSecret().equals(newWebhookSecret())).toBe(false);
  });

  it('whatever is sent, the verifier of Standard Webhooks takes the signature, and that of nothing else', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.json(), fc.json(), (id, body, other) => {
        fc.pre(body !== other);
        const [secret, timestamp] = [newWebhookSecret(), now()];
        const headers = headersOf(id, timestamp, webhookSignature([secret], { id, timestamp, body }));
        const verifier = new Webhook(webhookSecretText(secret));
        expect(verifier.verify(body, headers)).toEqual(JSON.parse(body));
        expect(() => verifier.verify(other, headers)).toThrow();
        expect(() => verifier.verify(body, { ...headers, 'webhook-id': `${id}x` })).toThrow();
        expect(() => new Webhook(webhookSecretText(newWebhookSecret())).verify(body, headers)).toThrow();
      }),
      { numRuns: 25 },
    );
  });

  it('during the overlap either secret verifies', () => {
    const [fresh, before] = [newWebhookSecret(), newWebhookSecret()];
    const message = { id: 'x', timestamp: now(), body: '{}' };
    const headers = headersOf('x', message.timestamp, webhookSignature([fresh, before], message));
    for (const secret of [fresh, before]) new Webhook(webhookSecretText(secret)).verify('{}', headers);
    expect(() => new Webhook(webhookSecretText(newWebhookSecret())).verify('{}', headers)).toThrow();
  });

  it('kinds are a list separated by single spaces of what others are told', () => {
    expect(parseKinds('session-ended')).toEqual(['session-ended']);
    expect(parseKinds('session-ended user-disabled session-ended')?.toSorted()).toEqual([
      'session-ended',
      'user-disabled',
    ]);
    for (const text of [
      '',
      ' ',
      'x',
      'session-ended ',
      'session-ended,user-disabled',
      'keys-changed',
      'ping',
    ]) {
      expect(parseKinds(text)).toBeUndefined();
    }
  });
});
