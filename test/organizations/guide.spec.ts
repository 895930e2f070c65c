import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CatalogRepository } from '#licensing';
import { BuiltProcess, REPOSITORY } from '../support/built-process.js';
import { ApiWorld } from './api-world.js';

jest.setTimeout(60_000);

const guide = readFileSync(join(REPOSITORY, 'docs/guides/organizations.md'), 'utf8');

function blocks(language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...guide.matchAll(fence)].map(([, text = '']) => text);
}

/** The HTTP exchange that a text shows, `<names>` replaced. */
function exchangeOf(text: string, values: Readonly<Record<string, string>>) {
  const filled = text.replaceAll(/<([^>]+)>/g, (_, name: string) => values[name] ?? `no ${name}`);
  const [request = '', status = ''] = filled.split(/^HTTP\/1\.1 /m);
  const [line = '', ...rest] = request.trim().split('\n\n');
  const [method = '', path = ''] = line.split(' ');
  return {
    method,
    path,
    body: rest.length > 0 ? (JSON.parse(rest.join('\n\n')) as unknown) : undefined,
    status: Number.parseInt(status, 10),
  };
}

describe('docs/guides/organizations.md', () => {
  let api: ApiWorld;

  beforeAll(async () => {
    api = await ApiWorld.start();
    await api.world.createPerson('member@globex.example', 'Gil Member', { globex: 'member' });
  });
  afterAll(() => api.stop());

  it('shows a journey over HTTP that goes as it says', async () => {
    const { world } = api;
    const permission = { moduleKey: 'projects', role: 'owner', permissions: ['archive'] } as const;
    await world.app.get(CatalogRepository).setPermissions(permission, 'test');
    const token = await api.tokenOf('owner@acme.example');
    const values: Record<string, string> = {
      organization: world.id('acme'),
      person: world.id('member@acme.example'),
    };
    const shown = blocks('http');
    expect(shown.length).toBeGreaterThan(5);
    for (const text of shown) {
      // another role of this name is there from the start
      const { method, path, body, status } = exchangeOf(text.replace('Archivist', 'Keeper'), values);
      const answer = await api.call(method, path, token, body);
      expect([method, path, answer.status]).toEqual([method, path, status]);
      const made = /\/(role|invitation)s$/.exec(path)?.[1];
      if (made !== undefined) values[made] = String(answer.body['id']);
      if (status === 409) expect(guide).toContain(`\`${String(answer.body['code'])}\``);
    }
  });

  it('shows commands that do what they say', async () => {
    const lines = blocks('sh').flatMap((block) => block.trim().split('\n'));
    expect(lines.length).toBeGreaterThan(5);
    const said: string[] = [];
    for (const line of lines) {
      const [, script = '', rest = ''] = /^node (\S+) (.*)$/.exec(line) ?? [];
      const args = [...rest.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
      const command = new BuiltProcess(script, { args, env: { ...api.world.env } });
      expect([line, (await command.ended).code]).toEqual([line, 0]);
      said.push(command.output.trim());
    }
    expect(said).toEqual([
      'Example (example) is owned by owner@acme.example from now on.',
      expect.stringContaining('example  Example, 1 person, owned by owner@acme.example'),
      'Globex (globex) is suspended from now on.',
      'Globex (globex) is not suspended from now on.',
      'member@globex.example is disabled from now on.',
      'member@globex.example may sign in from now on.',
    ]);
  });
});
