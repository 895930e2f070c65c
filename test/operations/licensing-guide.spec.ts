import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from '../support/built-process.js';
import { differences, Shell, transcriptsIn } from '../support/transcripts.js';
import { Launcher, launcherPorts, temporaryFolder, type Folder } from './launcher.js';

jest.setTimeout(120_000);

describe('docs/guides/licensing.md, tried beside npm start', () => {
  const guide = readFileSync(join(REPOSITORY, 'docs/guides/licensing.md'), 'utf8');
  const under = (title: string) => transcriptsIn(guide).filter(({ heading }) => heading === title);
  const transcripts = under('Try it beside npm start');
  let folder: Folder;
  let launcher: Launcher | undefined;
  let shell: Shell | undefined;
  let here: (text: string) => string;

  beforeAll(async () => {
    folder = temporaryFolder();
    const data = join(folder.path, 'data');
    const ports = await launcherPorts();
    here = (text) =>
      text.replaceAll('localhost:3000', `localhost:${ports.server}`).replaceAll('.data/', `${data}/`);
    symlinkSync(join(REPOSITORY, 'dist'), join(folder.path, 'dist'));
    launcher = await new Launcher(ports, { DATA_DIR: data }).untilReady();
    shell = new Shell(folder.path, {
      cwd: REPOSITORY,
      env: { PATH: process.env['PATH'], HOME: folder.path, TMPDIR: folder.path, DATA_DIR: data },
    });
  });
  afterAll(async () => {
    shell?.stop();
    await launcher?.stop();
    folder.remove();
  });

  it('shows several commands', () => {
    expect(transcripts.length).toBeGreaterThanOrEqual(6);
  });

  it.each(transcripts)('line $line: the answer is as shown', async ({ commands, shown }) => {
    const came = (await shell?.run(here(commands))) ?? '';
    if (shown) expect(differences({ ...shown, text: here(shown.text) }, came)).toEqual([]);
    else expect(came).toBe('');
  });

  it('issues the first file of the part without a network there, too', async () => {
    const [issue] = under('Issue a file');
    const came = await shell?.run(`cd ${folder.path} && ${issue?.commands ?? ''}`);
    const text = `Working on the development system on ….\n${issue?.shown?.text ?? ''}`;
    expect(issue?.shown && differences({ ...issue.shown, text }, came ?? '')).toEqual([]);
  });
});
