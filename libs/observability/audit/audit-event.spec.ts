import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CHAIN_START, chainDigest, type AuditEvent } from './audit-event.js';

const text = fc.string({ maxLength: 20 });
const nullable = fc.option(text);
const event: fc.Arbitrary<AuditEvent> = fc.record({
  id: text,
  act: text,
  actor: text,
  target: text,
  organizationId: nullable,
  address: nullable,
  factor: nullable,
  clientId: nullable,
  result: text,
  detail: nullable,
  occurredAt: text,
});

describe('the digest of an audit event', () => {
  it('differs when any column differs, and when text moves from one column to the next', () => {
    fc.assert(
      fc.property(event, fc.constantFrom(...KEYS), nullable, (one, column, value) => {
        fc.pre(one[column] !== value);
        const other = { ...one, [column]: value };
        expect(chainDigest(CHAIN_START, other).equals(chainDigest(CHAIN_START, one))).toBe(false);
      }),
    );
    const base = {
      id: '1',
      organizationId: null,
      address: null,
      factor: null,
      clientId: null,
      result: 'success',
      detail: null,
    };
    const digest = (act: string, actor: string) =>
      chainDigest(CHAIN_START, { ...base, act, actor, target: 't', occurredAt: '0' }).toString('hex');
    expect(digest('ab', 'c')).not.toBe(digest('a', 'bc'));
  });

  it('is what it was before applications were kept, of an event in which none acted', () => {
    fc.assert(
      fc.property(event, (one) => {
        const { id, act, actor, target, organizationId, address, factor, result, detail, occurredAt } = one;
        const columns = [id, act, actor, target, organizationId, address, factor, result, detail, occurredAt];
        const before = createHash('sha256').update(CHAIN_START).update(JSON.stringify(columns)).digest();
        expect(chainDigest(CHAIN_START, { ...one, clientId: null }).equals(before)).toBe(true);
      }),
    );
  });

  it('differs when what stands before it differs', () => {
    fc.assert(
      fc.property(event, event, (before, after) => {
        const chained = chainDigest(chainDigest(CHAIN_START, before), after);
        expect(chained.equals(chainDigest(CHAIN_START, after))).toBe(false);
      }),
    );
  });
});

const KEYS = [
  'id',
  'act',
  'actor',
  'target',
  'organizationId',
  'address',
  'factor',
  'clientId',
  'result',
  'detail',
  'occurredAt',
] as const;
