import { hiddenFields, type HttpBrowser } from './http-browser.js';
import type { Answer, TestClient, World } from './world.js';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** RFC 8628 §3.2 */
export interface DeviceCodes {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri_complete: string;
  readonly verification_qr: string;
}

/** What a device does first (RFC 8628 §3.1). */
export async function beginDevice(
  world: World,
  client: TestClient,
  fields: Readonly<Record<string, string>> = { scope: 'openid profile projects:read' },
): Promise<DeviceCodes> {
  const answer = await world.call('/oauth2/device_authorization', client, fields);
  if (answer.status !== 200) throw new Error(`no device code: ${JSON.stringify(answer.body)}`);
  return answer.body as unknown as DeviceCodes;
}

/** RFC 8628 §3.4 */
export function pollDevice(
  at: World,
  client: TestClient,
  { device_code: deviceCode }: Pick<DeviceCodes, 'device_code'>,
  extra: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  return at.token(client, { grant_type: DEVICE_GRANT, device_code: deviceCode, ...extra });
}

/** The person enters the code: the confirmation page, or the form with its complaint. */
export function enterCode(browser: HttpBrowser, userCode: string): Promise<Response> {
  return browser.submit('/device', '/device', { user_code: userCode });
}

/** The person enters the code, reads what it is for, and decides. */
export async function decideDevice(
  browser: HttpBrowser,
  { user_code: userCode }: Pick<DeviceCodes, 'user_code'>,
  decision: 'approve' | 'deny' = 'approve',
): Promise<Response> {
  const page = await enterCode(browser, userCode);
  if (page.status !== 200) return page;
  return browser.post('/device', { ...hiddenFields(await page.text()), decision });
}
