import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { BuiltProcess, REPOSITORY } from '../../support/built-process.js';

const HERE = join(REPOSITORY, 'test/licensing/offline-site');

export interface SiteAnswer {
  readonly status: number | undefined;
  readonly code: string;
  readonly sentence?: string;
  readonly seats?: readonly string[];
}

/**
 * A host that has Node.js, the module, the module kit and jose, and nothing else that could be imported; the module is
 * reached by a socket in its folder.
 */
export class Site {
  private readonly folder = mkdtempSync(join(tmpdir(), 'site-'));
  private module: BuiltProcess | undefined;

  constructor() {
    for (const name of ['module.mjs', 'clock.mjs']) cpSync(join(HERE, name), this.path(name));
    for (const part of ['package.json', 'dist']) {
      const target = this.path('node_modules/@core-auth/module-kit', part);
      cpSync(join(REPOSITORY, 'libs/module-kit', part), target, { recursive: true });
    }
    cpSync(join(REPOSITORY, 'node_modules/jose'), this.path('node_modules/jose'), { recursive: true });
    this.setClock(Date.now());
  }

  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  /** Milliseconds since the epoch. */
  setClock(at: number): void {
    this.write('clock', String(at));
  }

  /** Starts the module, in place of the one that runs. */
  async start(): Promise<BuiltProcess> {
    await this.stop();
    rmSync(this.path('module.sock'), { force: true });
    this.module = new BuiltProcess(relative(REPOSITORY, this.path('module.mjs')), {
      cwd: this.folder,
      env: { NODE_OPTIONS: '--import=./clock.mjs' },
    });
    await this.module.says(/^ready$/m);
    return this.module;
  }

  /** Ends the module as a power cut does. */
  async kill(): Promise<void> {
    await this.module?.stop('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.module?.stop();
  }

  async ask(method: string, path: string): Promise<SiteAnswer> {
    return await new Promise((resolve, reject) => {
      const call = request({ socketPath: this.path('module.sock'), method, path }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        response.on('end', () => {
          resolve({ status: response.statusCode, ...(JSON.parse(body) as Omit<SiteAnswer, 'status'>) });
        });
      });
      call.on('error', reject).end();
    });
  }

  /** What somebody is told who wants to work. */
  async code(person: string): Promise<string> {
    return (await this.ask('GET', `/work/${person}`)).code;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
