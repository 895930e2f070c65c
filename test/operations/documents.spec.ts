import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { httpStatusOfDecision } from '#licensing';
import { BuiltProcess, REPOSITORY } from '../support/built-process.js';
import { World } from '../support/world.js';

const NOT_RUN = /^# not run by the tests: \S/;
/** Names in capitals that are no settings of ours: what the reader fills in, and other software's words. */
const OTHER_NAMES = new Set([
  ...Object.keys(httpStatusOfDecision),
  'ALREADY_COUNTED',
  'NAME_FILE',
  'NODE_EXTRA_CA_CERTS',
  'CLIENT_SECRET',
  'INITIAL_ACCESS_TOKEN',
  'ORGANIZATION_ID',
]);
/** A path that exists on one machine alone. */
const LOCAL_PATH = /(?<![\w.])\/(?:home|Users|opt|tmp)\//;

interface Command {
  readonly document: string;
  readonly text: string;
}

const documents = ['README.md', ...markdownIn('docs')];

function markdownIn(folder: string): string[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
    .sort();
}

const textOf = (document: string): string => readFileSync(join(REPOSITORY, document), 'utf8');

/** The fenced blocks of this language. */
function blocks(document: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
  return [...textOf(document).matchAll(fence)].map(([, body = '']) => body);
}

/** One command each; settings before it are left out. */
function commands(): Command[] {
  return documents.flatMap((document) =>
    blocks(document, 'sh')
      .filter((block) => !NOT_RUN.test(block))
      .flatMap((block) => block.split(/\n|&&/))
      .map((line) => line.trim().replace(/^(?:[A-Z_]+=\S+ )+/, ''))
      .filter((line) => line !== '')
      .map((text) => ({ document, text })),
  );
}

/** The words of a shell command: quotes kept together, variables filled in. */
function words(text: string, variables: Readonly<Record<string, string>>): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(([, quoted, bare]) =>
    (quoted?.replace(/\\(.)/g, '$1') ?? bare ?? '').replace(/\$([A-Z_]+)/g, (_, name: string) => {
      const value = variables[name];
      if (value === undefined) throw new Error(`${text} names $${name}, which the test does not know`);
      return value;
    }),
  );
}

/** What curl would ask for; an option that is not known here fails. */
function requestOf([program, ...rest]: readonly string[]): { url: string; init: RequestInit } {
  if (program !== 'curl') throw new Error(`${program} is not curl`);
  const headers = new Headers();
  const fields = new URLSearchParams();
  let url = '';
  let json: string | undefined;
  for (let at = 0; at < rest.length; at += 1) {
    const word = rest[at] ?? '';
    if (!word.startsWith('-')) {
      url = word;
      continue;
    }
    const value = rest[(at += 1)] ?? '';
    const [name = '', content = ''] = value.split(word === '-H' ? ': ' : '=', 2);
    if (word === '--json') {
      json = value;
      headers.set('content-type', 'application/json');
    } else if (word === '-H') headers.set(name, content);
    else if (word === '-d') fields.append(name, content);
    else if (word === '-u') headers.set('authorization', `Basic ${Buffer.from(value).toString('base64')}`);
    else throw new Error(`the test does not know ${word} of curl`);
  }
  if (json !== undefined) return { url, init: { method: 'POST', body: json, headers } };
  return { url, init: fields.size > 0 ? { method: 'POST', body: fields, headers } : { headers } };
}

describe('README and docs', () => {
  const all = commands();
  const beginning = (start: string) => all.filter(({ text }) => text.startsWith(start));

  it('show no command that is neither run by a test nor says that it is not', () => {
    const known = ['npm ', 'curl ', 'node dist/apps/cli/main.js ', 'node -p '];
    expect(all.length).toBeGreaterThan(15);
    expect(all.filter(({ text }) => !known.some((start) => text.startsWith(start)))).toEqual([]);
  });

  it('name only scripts of npm that are there', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
    const inText = documents.flatMap((document) =>
      [...textOf(document).matchAll(/`(npm [^`\n]+)`/g)].map(([, text = '']) => ({ document, text })),
    );
    const named = [...beginning('npm '), ...inText].filter(({ text }) => text !== 'npm ci');
    expect(named.length).toBeGreaterThan(5);
    const missing = named.filter(({ text }) => {
      const [, verb = '', script] = text.split(' ');
      return !Object.hasOwn(scripts, verb === 'run' ? (script ?? '') : verb);
    });
    expect(missing).toEqual([]);
  });

  it('name only commands that the command line has', async () => {
    const help = new BuiltProcess('dist/apps/cli/main.js', { args: ['help'] });
    expect((await help.ended).code).toBe(0);
    const has = [...help.output.matchAll(/^ {2}([\w-]+) {2,}/gm)].map(([, name]) => name);
    const named = beginning('node dist/apps/cli/main.js ').map(({ text }) => text.split(' ')[2]);
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter((name) => name !== 'help' && !has.includes(name))).toEqual([]);
  });

  it('make keys of 32 bytes by the command that they show', () => {
    for (const { text } of beginning('node -p ')) {
      const [, ...args] = words(text, {});
      expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toMatch(/^[\w-]{43}\n$/);
    }
    expect(beginning('node -p ').length).toBeGreaterThan(0);
  });

  describe('their requests, sent to a running server', () => {
    let world: World;
    let variables: Record<string, string>;

    beforeAll(async () => {
      world = await World.start();
      const { client, tokens } = await world.signedInClient();
      variables = {
        CLIENT_SECRET: client.secret ?? '',
        TOKEN: tokens.access_token,
        ORGANIZATION_ID: world.id('acme'),
      };
    }, 60_000);
    afterAll(() => world.stop());

    it.each(beginning('curl ').map(({ document, text }) => [text, document]))(
      '%s (%s) is answered with 200',
      async (text) => {
        const { url, init } = requestOf(words(text, variables));
        expect(url).toMatch(/^http:\/\/localhost:3000\//);
        const answer = await fetch(url.replace('http://localhost:3000', world.url), init);
        expect([answer.status, await answer.text()]).toEqual([200, expect.anything()]);
      },
      60_000,
    );
  });

  it('lead to files that are there', () => {
    const missing = documents.flatMap((document) =>
      [...textOf(document).matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)]
        .map(([, target = '']) => target)
        .filter((target) => !/^https?:/.test(target))
        .filter((target) => !existsSync(join(REPOSITORY, dirname(document), target)))
        .map((target) => `${document}: ${target}`),
    );
    expect(missing).toEqual([]);
  });

  it('show code that is in the file that it names', () => {
    const examples = documents.flatMap((document) =>
      blocks(document, 'ts').map((body) => ({ document, body })),
    );
    expect(examples.length).toBeGreaterThan(2);
    const gone = examples.flatMap(({ document, body }) => {
      const [first = '', ...lines] = body.split('\n').map((line) => line.trim());
      const file = /^\/\/ (\S+)$/.exec(first)?.[1];
      if (file === undefined) return [`${document}: an example does not name its file`];
      const source = new Set(
        textOf(file)
          .split('\n')
          .map((line) => line.trim()),
      );
      return lines.filter((line) => !source.has(line)).map((line) => `${file}: ${line}`);
    });
    expect(gone).toEqual([]);
  });

  it('name only settings that there are', () => {
    const reference = textOf('docs/reference/configuration.md');
    const unknown = documents.flatMap((document) =>
      [...textOf(document).matchAll(/\b[A-Z]+(?:_[A-Z]+)+\b/g)]
        .map(([name]) => name)
        .filter((name) => !OTHER_NAMES.has(name) && !reference.includes(`\`${name}\``))
        .filter((name) => document !== 'docs/reference/configuration.md' && name.length > 0)
        // constants of the code, in an example that is checked against its file
        .filter((name) => !blocks(document, 'ts').some((body) => body.includes(name)))
        .map((name) => `${document}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });

  it('name no path of one machine', () => {
    expect(documents.filter((document) => LOCAL_PATH.test(textOf(document)))).toEqual([]);
  });

  it('load their pictures quickly', () => {
    const folder = join(REPOSITORY, 'docs/pictures');
    const heavy = readdirSync(folder).filter((name) => statSync(join(folder, name)).size > 150_000);
    expect(heavy.map((name) => relative(REPOSITORY, join(folder, name)))).toEqual([]);
  });
});
