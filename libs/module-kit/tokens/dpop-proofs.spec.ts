import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { KitClock } from '../clock.js';
import { resolveOptions } from '../options.js';
import { DpopProofs, ProcessReplayStore } from './dpop-proofs.js';

class TestClock extends KitClock {
  time = 1_000_000;
  protected override host(): number {
    return this.time;
  }
  protected override ticks(): number {
    return this.time;
  }
}

describe('the memory of used proofs', () => {
  it('RFC 9449 §11.1: refuses a second use within the life of a proof, and forgets it afterwards', () => {
    const clock = new TestClock();
    const store = new ProcessReplayStore(clock);
    expect([store.use('a', 1000), store.use('b', 1000), store.use('a', 1000)]).toEqual([true, true, false]);
    clock.time += 1000;
    expect(store.use('a', 1000)).toBe(false);
    clock.time += 1;
    expect(store.use('a', 1000)).toBe(true);
  });

  it('is bounded, and refuses more rather than forget one that is still good', () => {
    const clock = new TestClock();
    const store = new ProcessReplayStore(clock, 3);
    expect(['a', 'b', 'c'].map((key) => store.use(key, 1000))).toEqual([true, true, true]);
    expect(() => store.use('d', 1000)).toThrow(expect.objectContaining({ code: 'CHECK_UNAVAILABLE' }));
    expect(store.use('a', 1000)).toBe(false);
    clock.time += 1001;
    expect(store.use('d', 1000)).toBe(true);
  });
});

describe('a proof', () => {
  it('RFC 9449 §4.3 (9): is for the address as it was sent, whatever routers have left of it', async () => {
    const clock = new TestClock();
    const options = resolveOptions({
      ...{ coreAuthUrl: 'https://auth.example', clientId: 'projects', clientSecret: 's'.repeat(43) },
      ...{ moduleUrl: 'https://projects.example', moduleKey: 'projects', scopes: ['openid'] },
    });
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    const jwk = await exportJWK(publicKey);
    const ath = createHash('sha256').update('token').digest('base64url');
    const proof = (htu: string) =>
      new SignJWT({ jti: htu, htm: 'GET', htu, iat: Math.floor(clock.time / 1000), ath })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey);
    const proofs = new DpopProofs(options, clock);
    const jkt = await calculateJwkThumbprint(jwk);
    const sent = async (htu: string) => {
      const headers = { dpop: await proof(htu) };
      return proofs.require({ method: 'GET', url: '/7', originalUrl: '/renders/7', headers }, 'token', jkt);
    };
    await expect(sent('https://projects.example/renders/7')).resolves.toBeUndefined();
    await expect(sent('https://projects.example/7')).rejects.toThrow();
  });
});
