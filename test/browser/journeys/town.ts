import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { REPOSITORY } from '../../support/built-process.js';
import { chromium } from '../../support/chromium.js';
import { RunningSystem } from '../running-system.js';
import { WatchedContext } from '../watched-context.js';
import { Visitor } from './visitor.js';

/** Pictures to look at, of each page in light, dark and 360 px, for who asks for them; git ignores them. */
const PICTURES = process.env['PICTURES'] === 'on' ? join(REPOSITORY, '.test', 'pages') : undefined;

/** Where the stories happen: one running system, and whoever is at a browser in the story that is told. */
export class Town {
  system!: RunningSystem;
  private browser!: Browser;
  private readonly watched: WatchedContext[] = [];
  /** The pages that were seen at the width of a telephone. */
  private readonly seen = new Set<string>();

  async open(): Promise<void> {
    if (PICTURES !== undefined) mkdirSync(PICTURES, { recursive: true });
    this.system = await RunningSystem.start();
    this.browser = await chromium();
  }

  async close(): Promise<void> {
    await this.browser?.close();
    await this.system?.stop();
  }

  /** Somebody at a browser of their own, who is nowhere yet. */
  async visitor(): Promise<Visitor> {
    const { system, seen } = this;
    const watched = await WatchedContext.open(this.browser, system.hosts, {
      viewport: { width: 1280, height: 800 },
    });
    this.watched.push(watched);
    return new Visitor(await watched.page(), system, { seen, pictures: PICTURES });
  }

  /** The same, signed in. */
  async signedIn(email: string, password?: string): Promise<Visitor> {
    const visitor = await this.visitor();
    await visitor.go('/sign-in');
    await visitor.signIn(email, password);
    return visitor;
  }

  /** The story is over: everybody leaves, and nothing has gone wrong that nobody saw. */
  async empty(): Promise<void> {
    const all = this.watched.splice(0);
    await Promise.all(all.map((one) => one.close()));
    expect(all.flatMap(({ complaints }) => complaints)).toEqual([]);
  }
}
