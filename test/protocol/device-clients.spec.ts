import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { eventually } from '../support/answers.js';
import { decideDevice, DEVICE_GRANT } from '../support/device.js';
import { World, type TestClient } from '../support/world.js';

const MEMBER = 'member@acme.example';
const SCOPE = 'openid profile projects:read';

let world: World;
let television: TestClient;
let printer: TestClient;

beforeAll(async () => {
  world = await World.start();
  const common = { grantTypes: [DEVICE_GRANT, 'refresh_token'], redirectUris: [] } as const;
  television = await world.createClient({
    ...common,
    id: 'television',
    secretSha256: null,
    tokenEndpointAuthMethod: 'none',
  });
  printer = await world.createClient({ ...common, id: 'printer' });
});
afterAll(() => world.stop());

const decide = async (userCode: string, decision: 'approve' | 'deny' = 'approve') => {
  const answer = await decideDevice(await world.signIn(MEMBER), { user_code: userCode }, decision);
  expect(answer.status).toBe(303);
};

describe('oauth4webapi, unchanged, on a device without a secret', () => {
  const insecure = { [oauth.allowInsecureRequests]: true };
  const client: oauth.Client = { client_id: 'television' };
  let server: oauth.AuthorizationServer;

  beforeAll(async () => {
    const issuer = new URL(world.url);
    const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
    server = await oauth.processDiscoveryResponse(issuer, found);
  });

  const begin = async () =>
    oauth.processDeviceAuthorizationResponse(
      server,
      client,
      await oauth.deviceAuthorizationRequest(server, client, oauth.None(), { scope: SCOPE }, insecure),
    );
  const poll = async ({ device_code: code }: oauth.DeviceAuthorizationResponse) =>
    oauth.processDeviceCodeResponse(
      server,
      client,
      await oauth.deviceCodeGrantRequest(server, client, oauth.None(), code, insecure),
    );

  it('waits, is told to slow down, and gets tokens that it can verify', async () => {
    const device = await begin();
    await expect(poll(device)).rejects.toMatchObject({ error: 'authorization_pending', status: 400 });
    await expect(poll(device)).rejects.toMatchObject({ error: 'slow_down' });
    await decide(device.user_code);
    const tokens = await poll(device);
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({
      sub: world.id(MEMBER),
      aud: television.id,
    });
    await expect(poll(device)).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});

describe('openid-client, unchanged, on a device with a secret', () => {
  let configuration: openid.Configuration;
  let polls = 0;

  beforeAll(async () => {
    configuration = await openid.discovery(new URL(world.url), printer.id, printer.secret, undefined, {
      execute: [openid.allowInsecureRequests],
    });
    // the time of this world stands still; while the client waits, it must go on
    configuration[openid.customFetch] = async (url, options) => {
      const answer = await fetch(url, options as RequestInit);
      if (url.endsWith('/oauth2/token')) {
        world.clock.advance(5000);
        polls += 1;
      }
      return answer;
    };
  });

  it('polls at the interval that it was given until the person has approved', async () => {
    const device = await openid.initiateDeviceAuthorization(configuration, { scope: SCOPE });
    expect(device.interval).toBe(5);
    const polling = openid.pollDeviceAuthorizationGrant(configuration, device);
    // the first poll comes after 5 seconds and finds nothing decided
    await eventually(() => polls > 0 || undefined, 'the first poll');
    await decide(device.user_code);
    const tokens = await polling;
    expect(tokens.claims()).toMatchObject({ sub: world.id(MEMBER), aud: printer.id, name: 'Max Member' });
    const renewed = await openid.refreshTokenGrant(configuration, tokens.refresh_token ?? '');
    expect(renewed.scope).toBe(SCOPE);
  });

  it('is told when the person has denied', async () => {
    const device = await openid.initiateDeviceAuthorization(configuration, { scope: SCOPE });
    await decide(device.user_code, 'deny');
    await expect(openid.pollDeviceAuthorizationGrant(configuration, device)).rejects.toMatchObject({
      error: 'access_denied',
    });
  });
});
