// Takes the pictures of the documentation from the running system: npm run pictures
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { build } from './build.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const pictures = join(root, 'docs/pictures');
const password = 'a password for pictures';
/** bytes */
const LARGEST = 150_000;

build();
mkdirSync(pictures, { recursive: true });
const dataFolder = mkdtempSync(join(tmpdir(), 'core-auth-pictures-'));
const [port, projectsPort, reportsPort] = await Promise.all([freePort(), freePort(), freePort()]);
const [server, projects, reports] = [port, projectsPort, reportsPort].map(
  (number) => `http://localhost:${number}`,
);
const launcher = await launch();
const browser = await chromium.launch({ executablePath: chromiumPath() });
try {
  await picture('license-refused.png', 'member@globex.example', async (page) => {
    await page.goto(`${reports}/auth/sign-in`);
  });
  await picture('projects.png', 'owner@acme.example', async (page) => {
    await page.goto(`${projects}/auth/sign-in`);
    for (const [name, status] of [
      ['New price list', 'Done'],
      ['Move to Hamburg', 'On hold'],
      ['New logo', 'Active'],
      ['Trade fair in May', 'Active'],
      ['Autumn campaign', 'Active'],
    ]) {
      await page.getByLabel('Name', { exact: true }).fill(name);
      await page.getByLabel('Status', { exact: true }).selectOption({ label: status });
      await page.getByRole('button', { name: 'Create' }).click();
      await page.getByText(name).first().waitFor();
    }
  });
  await picture('reports.png', 'owner@acme.example', (page) => page.goto(`${reports}/auth/sign-in`));
  await picture('license.png', 'owner@acme.example', async (page) => {
    await page.goto(`${server}/console/licenses`);
    await page.getByRole('link', { name: 'Reports' }).click();
  });
  await picture('launcher.png', 'consultant@partners.example', async (page) => {
    await page.getByRole('button', { name: 'Acme Corporation' }).click();
    await page.getByRole('heading', { name: 'Modules' }).waitFor();
  });
  await picture('readiness.png', 'owner@acme.example', (page) => page.goto(`${server}/readiness`));
} finally {
  await browser.close();
  await launcher.stop();
  rmSync(dataFolder, { recursive: true, force: true });
}

/** One picture of what this account sees, in a browser of its own. */
async function picture(file, email, go) {
  const context = await browser.newContext({ viewport: { width: 1120, height: 700 }, colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(`${server}/sign-in`);
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((url) => url.pathname !== '/sign-in');
  await go(page);
  await page.evaluate('document.activeElement?.blur()');
  const path = join(pictures, file);
  await page.screenshot({ path });
  await context.close();
  const { size } = statSync(path);
  if (size > LARGEST) throw new Error(`${file} has ${size} bytes, more than ${LARGEST}`);
  process.stdout.write(`docs/pictures/${file}  ${Math.round(size / 1024)} KB\n`);
}

function launch() {
  const child = spawn(process.execPath, [join(root, 'dist/apps/cli/main.js'), 'start'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATA_DIR: dataFolder,
      PORT: String(port),
      PROJECTS_PORT: String(projectsPort),
      REPORTS_PORT: String(reportsPort),
      CORE_AUTH_DEMO_PASSWORD: password,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
  };
  return new Promise((resolve, reject) => {
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said += text;
      if (/^ready/m.test(said)) resolve({ stop });
    });
    ended.then(() => reject(new Error(`the system did not start:\n${said}`)));
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port: free } = probe.address();
      probe.close(() => resolve(free));
    });
  });
}

function chromiumPath() {
  const names = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
  const places = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  const found = [...places, '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'].find((path) =>
    statSync(path, { throwIfNoEntry: false })?.isFile(),
  );
  if (!found) throw new Error('There is no Chromium: apt-get install --no-install-recommends chromium');
  return found;
}
