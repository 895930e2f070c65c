import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../support/built-process.js';
import { freePort } from '../support/ports.js';
import { differences, Shell, transcriptsIn } from '../support/transcripts.js';
import { Launcher, launcherPorts, temporaryFolder, type Folder } from './launcher.js';

jest.setTimeout(120_000);

const GUIDE = 'docs/guides/oauth-flow.md';
const textOf = (document: string): string => readFileSync(join(REPOSITORY, document), 'utf8');

describe('docs/guides/oauth-flow.md', () => {
  const guide = textOf(GUIDE);
  const transcripts = transcriptsIn(guide);
  const flows = guide.split(/^(?=## )/m).filter((section) => section.includes('```bash\n'));

  it('has a transcript with a shown answer, and a diagram, for each flow', () => {
    // the first section with commands is what the reader sets up
    const [, ...sections] = flows;
    expect(sections.length).toBeGreaterThanOrEqual(15);
    const bare = sections
      .filter(
        (section) =>
          !/^```(http|json|text)$/m.test(section) || !/^```mermaid\nsequenceDiagram$/m.test(section),
      )
      .map((section) => section.split('\n', 1)[0]);
    expect(bare).toEqual([]);
  });

  it('draws by what Mermaid takes for a sequence diagram', () => {
    const participant = /^ {4}(participant|actor) \w+( as .+)?$/;
    const message = /^ {4}(\w+)(?:->>|-->>|--x)(\w+): [^;#]+$/;
    const frame = /^ {4}(loop|alt|opt|else|end|Note (over|right of|left of) )[^;#]*$/;
    const odd = [...guide.matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].flatMap(([, diagram = '']) => {
      const lines = diagram.trimEnd().split('\n').slice(1);
      const names = new Set(
        lines.flatMap((line) => /^ {4}(?:participant|actor) (\w+)/.exec(line)?.[1] ?? []),
      );
      return lines.filter((line) => {
        const [, from = '', to = ''] = message.exec(line) ?? [];
        if (message.test(line)) return !names.has(from) || !names.has(to);
        return !participant.test(line) && !frame.test(line);
      });
    });
    expect(odd).toEqual([]);
  });

  it('is one of the documents with transcripts, each of which is run', () => {
    const others = [
      'README.md',
      ...readdirSync(join(REPOSITORY, 'docs'), { recursive: true, encoding: 'utf8' }),
    ]
      .map((name) => (name === 'README.md' ? name : `docs/${name}`))
      // the second is run by license-files-guide.spec.ts and licensing-guide.spec.ts
      .filter((name) => name.endsWith('.md') && ![GUIDE, 'docs/guides/licensing.md'].includes(name));
    expect(others.filter((name) => transcriptsIn(textOf(name)).length > 0)).toEqual([]);
  });

  describe('followed by a reader beside npm start', () => {
    let folder: Folder;
    let launcher: Launcher | undefined;
    let shell: Shell | undefined;
    /** What is an address of the reader's system in the document, and another here. */
    let here: (text: string) => string;

    beforeAll(async () => {
      folder = temporaryFolder();
      const data = join(folder.path, 'data');
      const ports = await launcherPorts();
      const moved: Record<string, number> = {
        3000: ports.server,
        3001: ports.projects,
        3002: ports.reports,
        4000: await freePort(),
      };
      here = (text) =>
        text
          .replace(/\b(3000|3001|3002|4000)\b/g, (port) => String(moved[port]))
          .replaceAll('.data/', `${data}/`);
      launcher = await new Launcher(ports, { DATA_DIR: data }).untilReady();
      shell = new Shell(folder.path, {
        cwd: REPOSITORY,
        env: { PATH: process.env['PATH'], HOME: folder.path, TMPDIR: folder.path },
      });
    });

    afterAll(async () => {
      shell?.stop();
      await launcher?.stop();
      folder.remove();
    });

    it.each(transcripts)('$heading, line $line: the answer is as shown', async ({ commands, shown }) => {
      const came = (await shell?.run(here(commands))) ?? '';
      if (shown) expect(differences({ ...shown, text: here(shown.text) }, came)).toEqual([]);
      else expect(came).toBe('');
    });
  });
});
