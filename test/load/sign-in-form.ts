import { hiddenFields } from '../support/http-browser.js';
import { getRequest, postRequest, type HttpAnswer, type HttpConnection } from './http-connection.js';

export const personOf = (number: number) => `person-${number}@acme.example`;
/** As long as a person's. */
export const nobodyOf = (number: number) => `nobody-${number}@acme.example`;

/** A browser's part of the form: its cookies and the token that belongs to them. */
export interface Form {
  readonly cookies: Readonly<Record<string, string>>;
  readonly token: string;
}

export async function openForm(connection: HttpConnection): Promise<Form> {
  const page = await connection.send(getRequest('/sign-in', { accept: 'text/html' }));
  return { cookies: cookiesOf(page), token: hiddenFields(page.body)['csrf_token'] ?? '' };
}

export function submit({ cookies, token }: Form, email: string, password: string): string {
  const cookie = Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
  const form = new URLSearchParams({ csrf_token: token, email, password });
  return postRequest('/sign-in', { cookie, accept: 'text/html' }, String(form));
}

export function cookiesOf({ head }: HttpAnswer): Record<string, string> {
  const lines = head.matchAll(/\r\nset-cookie: *([^=]+)=([^;\r]*)/gi);
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}
