import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { httpStatusOfDecision } from '@core-auth/module-kit/licensing';
import { REPOSITORY } from '../../support/built-process.js';
import { AdministrationWorld } from './administration-world.js';

jest.setTimeout(60_000);

interface Exchange {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly status: number;
}

/** The HTTP exchanges that a text shows, `<names>` replaced. */
function exchangeOf(text: string, values: Readonly<Record<string, string>>): Exchange {
  const filled = text.replaceAll(/<([^>]+)>/g, (_, name: string) => values[name] ?? `no ${name}`);
  const [request = '', status] = filled.split(/^HTTP\/1\.1 /m);
  const [head = '', ...rest] = request.trim().split('\n\n');
  const [line = '', ...fields] = head.split('\n');
  const [method = '', path = ''] = line.split(' ');
  return {
    method,
    path,
    headers: Object.fromEntries(fields.map((field) => field.split(': '))) as Record<string, string>,
    body: rest.length > 0 ? (JSON.parse(rest.join('\n\n')) as unknown) : undefined,
    status: Number.parseInt(status ?? '', 10),
  };
}

describe('docs/guides/licensing.md, Administration over HTTP', () => {
  let admin: AdministrationWorld;

  beforeAll(async () => {
    admin = await AdministrationWorld.start();
  });
  afterAll(() => admin.stop());

  const guide = readFileSync(join(REPOSITORY, 'docs/guides/licensing.md'), 'utf8');

  it('has a row of every answer that there is, with its status, and of no other', () => {
    const rows = [...guide.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) +\|/gm)].map(([, code, status]) => [
      code,
      Number(status),
    ]);
    expect(rows).toEqual(Object.entries(httpStatusOfDecision));
  });

  it('says plainly what somebody who is root on an instance without a network can do', () => {
    const [, section = ''] = guide.split('### What an instance remembers');
    expect(section.split('\n### ')[0]).toMatch(/root on that host can erase the state file/);
  });

  it('shows a journey of a billing system that goes as it says', async () => {
    const [, rest = ''] = guide.split('## Administration over HTTP');
    const [section = ''] = rest.split('\n### ');
    const shown = [...section.matchAll(/^```http\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text);
    expect(shown).toHaveLength(4);
    const client = await admin.world.createClient({
      id: 'billing-system',
      grantTypes: ['client_credentials'],
      scopes: ['licensing:read', 'licensing:write'],
    });
    const token = await admin.machineToken(client);
    const values: Record<string, string> = {
      organization: admin.world.id('acme'),
      'plan version': admin.world.id('plan:reports'),
      person: admin.world.id('member@acme.example'),
    };
    let last: Record<string, unknown> = {};
    for (const text of shown) {
      const { method, path, headers, body, status } = exchangeOf(text, values);
      const answer = await admin.call(method, path, { token, headers, body });
      expect([method, path, answer.status]).toEqual([method, path, status]);
      values['license'] ??= String(answer.body['id']);
      const tag = answer.headers.get('etag');
      if (tag !== null) values['ETag of the license'] = tag;
      last = answer.body;
    }
    expect(last['entries']).toMatchObject([
      { act: 'license.change-status', actor: 'billing-system', detail: { status: 'suspended' } },
    ]);
  });
});
