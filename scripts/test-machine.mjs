// What the tests need beyond npm: installed where that is ours to do (root on Debian), otherwise named.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const needed = [
  { programs: ['redis-server'], apt: 'redis-server', brew: 'redis' },
  {
    programs: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'],
    places: ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
    apt: 'chromium',
    brew: '--cask google-chrome',
  },
];

const missing = needed.filter(isMissing);
if (missing.length > 0) {
  if (process.getuid?.() === 0 && onPath('apt-get')) install(missing.map(({ apt }) => apt));
  const still = missing.filter(isMissing);
  if (still.length > 0) {
    process.stderr.write(
      `The tests need ${still.map(({ apt }) => apt).join(' and ')}. Install with:\n  ${command(still)}\n`,
    );
    process.exit(1);
  }
}

function install(packages) {
  process.stdout.write(`Installing what the tests need: ${packages.join(', ')} ...\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (...args) =>
    spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', '-q', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  apt('update');
  apt('install', '-y', '--no-install-recommends', ...packages);
}

function command(packages) {
  return process.platform === 'darwin'
    ? packages.map(({ brew }) => `brew install ${brew}`).join(' && ')
    : `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${packages.map(({ apt }) => apt).join(' ')}`;
}

function isMissing({ programs, places = [] }) {
  return !programs.some(onPath) && !places.some(existsSync);
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
