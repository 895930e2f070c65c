import { isIP } from 'node:net';
import { parseKeyRing } from './key-ring-setting.js';
import type { SettingDescription } from './setting.js';

/** Sets a property from a setting's text, as what the property's default is: a list, a number, a text. */
export function assign(
  target: object,
  property: string,
  text: string,
  setting: SettingDescription,
  problems: string[],
): void {
  const record = target as unknown as Record<string, unknown>;
  if (property === 'keyEncryptionKeys') record[property] = parseKeyRing(setting.name, text, problems);
  else if (property === 'licenseEndingDays') record[property] = parts(text).map(wholeNumber);
  else if (Array.isArray(record[property])) record[property] = parts(text);
  else if (typeof record[property] === 'number') record[property] = wholeNumber(text);
  else record[property] = text;
}

function parts(text: string): string[] {
  return text.split(',').map((part) => part.trim());
}

function wholeNumber(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
}

/** Whether a text is an address, or a network in CIDR notation. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest !== undefined) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
