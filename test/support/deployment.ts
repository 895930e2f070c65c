import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeProtectedHeader, type JSONWebKeySet } from 'jose';
import { Client } from 'pg';
import { EventStream } from '#events';
import { KeyRing, KeyRotation, KeySchedule, type KeyKind } from '#tokens';
import { World, type Answer, type TestClient, type WorldOptions } from './world.js';

export const MINUTE = 60_000;
export const ES256: KeyKind = { purpose: 'signing', algorithm: 'ES256' };
export const MAC: KeyKind = { purpose: 'mac', algorithm: 'HS256' };

/** Two nodes of one deployment, whose clock is the test's. */
export class Deployment {
  private constructor(
    readonly nodes: readonly [World, World],
    private readonly database: Client,
  ) {}

  static async start(options: WorldOptions = {}): Promise<Deployment> {
    const world = await World.start(options);
    const other = await World.start({
      ...(options.env ? { env: options.env } : {}),
      beside: world,
    });
    const database = new Client({ connectionString: world.database.url });
    await database.connect();
    return new Deployment([world, other], database);
  }

  async stop(): Promise<void> {
    const [world, other] = this.nodes;
    await this.database.end();
    await other.stop();
    await world.stop();
  }

  get now(): number {
    return this.nodes[0].clock.now().getTime();
  }

  advance(milliseconds: number): void {
    this.nodes[0].clock.advance(milliseconds);
  }

  node(index: number): World {
    return this.nodes[index % 2 === 0 ? 0 : 1];
  }

  rotate(kind: KeyKind, node = 0) {
    return this.node(node).app.get(KeyRotation).rotate(kind, 'test');
  }

  keys() {
    return this.nodes[0].app.get(KeyRotation).list();
  }

  async signer({ algorithm }: KeyKind): Promise<string> {
    const signer = (await this.keys()).find((key) => key.algorithm === algorithm && key.state === 'signs');
    return signer?.kid ?? '';
  }

  /** What every node does each minute by its timer. */
  async look(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.app.get(KeySchedule).look()));
  }

  async rows<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.database.query<Row>(text, [...values])).rows;
  }

  audited(act: string): Promise<{ target: string; actor: string }[]> {
    return this.rows('SELECT target, actor FROM audit_events WHERE act = $1 ORDER BY id', [act]);
  }

  /** Waits until every node has heard, and has acted on, whatever happened before. */
  async upToDate(): Promise<void> {
    const marker = randomUUID();
    const heard = this.nodes.map(
      (node) =>
        new Promise<void>((resolve) => {
          const end = node.app.get(EventStream).subscribe(({ subject }) => {
            if (subject !== marker) return;
            end();
            resolve();
          });
        }),
    );
    await this.rows("INSERT INTO outbox (kind, subject) VALUES ('client-changed', $1)", [marker]);
    await Promise.all(heard);
    // one reading after another: this one ends after those that the events caused
    await Promise.all(this.nodes.map((node) => node.app.get(KeyRing).reload()));
  }

  /** Waits until every node has heard of every key, and of those that are gone. */
  async settled(): Promise<void> {
    const keys = await this.keys();
    const signing = keys.filter(({ purpose }) => purpose === 'signing').map(({ kid }) => kid);
    for (const node of this.nodes) {
      const ring = node.app.get(KeyRing);
      const knows = ({ kid, purpose }: (typeof keys)[number]) =>
        purpose === 'signing' ||
        (purpose === 'license' && ring.licenseJwks().keys.some((key) => key.kid === kid)) ||
        (purpose === 'mac' ? ring.macKeyById(kid) : ring.encryptionKeyById(kid));
      const end = Date.now() + 5000;
      while (
        String((await jwks(node)).keys.map(({ kid }) => kid).sort()) !== String(signing.sort()) ||
        !keys.every(knows)
      ) {
        if (Date.now() > end) throw new Error('a node has not heard of the keys');
        await sleep(20);
      }
    }
  }
}

export async function jwks(node: World): Promise<JSONWebKeySet & { maxAge: number }> {
  const response = await fetch(`${node.url}/oauth2/jwks`);
  const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1]) * 1000;
  return { ...((await response.json()) as JSONWebKeySet), maxAge };
}

export const kidOf = (token: unknown) => decodeProtectedHeader(String(token)).kid;

export function machineToken(node: World, client: TestClient): Promise<Answer> {
  return node.token(client, { grant_type: 'client_credentials', scope: 'projects:read' });
}
