import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY } from '../support/built-process.js';
import { differences, Shell, transcriptsIn } from '../support/transcripts.js';
import { World } from '../support/world.js';

jest.setTimeout(60_000);

describe('docs/guides/licensing.md, without a network: followed by an operator in a folder of their own', () => {
  const guide = readFileSync(join(REPOSITORY, 'docs/guides/licensing.md'), 'utf8');
  // the others are run by licensing-guide.spec.ts
  const transcripts = transcriptsIn(guide.split(/^## Administration over HTTP$/m)[0] ?? '');
  const folder = mkdtempSync(join(tmpdir(), 'license-files-guide-'));
  let world: World;
  let shell: Shell;

  beforeAll(async () => {
    world = await World.start();
    // as the demonstration has it
    await world.licenses.changeStatus(world.id('license:globex:projects'), 'cancelled', 'test');
    await world.license('globex', 'projects', { seatModel: 'floating', seatLimit: 2 });
    symlinkSync(join(REPOSITORY, 'dist'), join(folder, 'dist'));
    shell = new Shell(folder, {
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        DATABASE_URL: world.database.url,
        CORE_AUTH_KEY_ENCRYPTION_KEYS: world.env['CORE_AUTH_KEY_ENCRYPTION_KEYS'],
        CORE_AUTH_URL: 'https://auth.example.com',
      },
    });
  });
  afterAll(async () => {
    shell.stop();
    rmSync(folder, { recursive: true });
    await world.stop();
  });

  it('shows the answer to each of its commands', () => {
    expect(transcripts.length).toBeGreaterThanOrEqual(6);
    expect(transcripts.filter(({ shown }) => shown === undefined)).toEqual([]);
  });

  it.each(transcripts)('$heading, line $line: the answer is as shown', async ({ commands, shown }) => {
    const came = await shell.run(commands);
    expect(shown && differences(shown, came)).toEqual([]);
  });
});
