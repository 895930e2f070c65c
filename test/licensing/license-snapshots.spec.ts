import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { EventStream, OutboxRepository } from '#events';
import { LicenseRepository, LicenseSnapshots, type LicenseSnapshot } from '#licensing';
import { eventually } from '../support/answers.js';
import { LicensingWorld, type Node } from './licensing-world.js';

/** Counts its loads, and holds each one after it has read until it is let go. */
class WatchedLicenses extends LicenseRepository {
  loads = 0;
  gate: () => Promise<void> = () => Promise.resolve();

  override async snapshot(organizationId: string): Promise<LicenseSnapshot | undefined> {
    this.loads += 1;
    const { gate } = this;
    const snapshot = await super.snapshot(organizationId);
    await gate();
    return snapshot;
  }
}

class SwitchableStream extends EventStream {
  deaf = false;

  override isCurrent(): boolean {
    return !this.deaf && super.isCurrent();
  }
}

async function snapshotsOf({ database }: Node) {
  const licenses = new WatchedLicenses(database);
  const stream = new SwitchableStream(new OutboxRepository(database));
  const snapshots = new LicenseSnapshots(licenses, stream);
  snapshots.onModuleInit();
  await stream.onApplicationBootstrap();
  const stop = async () => {
    snapshots.onModuleDestroy();
    await stream.beforeApplicationShutdown();
  };
  return { licenses, stream, snapshots, stop };
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('license snapshots of a node', () => {
  let world: LicensingWorld;
  let node: Awaited<ReturnType<typeof snapshotsOf>>;
  beforeAll(async () => (world = await LicensingWorld.create({ nodes: 2 })));
  afterAll(() => world.close());
  beforeEach(async () => (node = await snapshotsOf(world.nodes[1] ?? world.node)));
  afterEach(() => node.stop());

  const current = () => node.snapshots.current(world.organizationId);

  it('are read once for all who ask at the same time, and then not again', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, current));
    expect(new Set(answers).size).toBe(1);
    await current();
    expect(node.licenses.loads).toBe(1);
  });

  it('follow a change that another node made', async () => {
    const before = await current();
    const licenseId = await world.license();
    await eventually(
      async () => (await current())?.licenses.find(({ id }) => id === licenseId),
      'the change of the other node',
    );
    expect((await current())?.version).toBeGreaterThan(before?.version ?? 0);
    expect(node.licenses.loads).toBe(2);
  });

  it('follow a change of the catalog', async () => {
    await current();
    await world.node.catalog.createModule(
      { key: 'desk', name: 'Desk', baseUrl: 'https://desk.example' },
      'admin',
    );
    await eventually(async () => (await current())?.modules.find(({ key }) => key === 'desk'), 'the module');
  });

  it('are at least of the version asked for, and not read again when they are', async () => {
    const known = await current();
    expect(await node.snapshots.atLeast(world.organizationId, known?.version ?? 0)).toBe(known);
    expect(node.licenses.loads).toBe(1);
    const { version } = await world.node.licenses.issue(world.terms(), 'admin');
    const newer = await node.snapshots.atLeast(world.organizationId, version);
    expect(newer?.version).toBe(version);
  });

  it('are read again when a load that began before the change is joined', async () => {
    const { opened, open } = gate();
    node.licenses.gate = () => opened;
    const early = current();
    await eventually(() => node.licenses.loads === 1 || undefined, 'the load');
    // let it read before the change is made
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { version } = await world.node.licenses.issue(world.terms(), 'admin');
    const joined = node.snapshots.atLeast(world.organizationId, version);
    node.licenses.gate = () => Promise.resolve();
    open();
    expect((await early)?.version).toBe(version - 1);
    expect((await joined)?.version).toBe(version);
  });

  it('are not kept when a change was heard of while they were read', async () => {
    const { opened, open } = gate();
    node.licenses.gate = () => opened;
    const early = current();
    await eventually(() => node.licenses.loads === 1 || undefined, 'the load');
    node.snapshots.invalidate(world.organizationId);
    node.licenses.gate = () => Promise.resolve();
    open();
    await early;
    await current();
    expect(node.licenses.loads).toBe(2);
  });

  it('are never replaced by an older one', async () => {
    const { opened, open } = gate();
    node.licenses.gate = () => opened;
    const old = current();
    await eventually(() => node.licenses.loads === 1 || undefined, 'the load');
    await new Promise((resolve) => setTimeout(resolve, 100));
    node.licenses.gate = () => Promise.resolve();
    const { version } = await world.node.licenses.issue(world.terms(), 'admin');
    node.snapshots.invalidateAll();
    expect((await current())?.version).toBe(version);
    open();
    await old;
    expect((await current())?.version).toBe(version);
  });

  it('are read every time while the event stream is silent, and nothing read then is kept', async () => {
    node.stream.deaf = true;
    await current();
    await current();
    expect(node.licenses.loads).toBe(2);
    node.stream.deaf = false;
    await current();
    await current();
    expect(node.licenses.loads).toBe(3);
  });

  it('are undefined for an organization that does not exist, which may exist a moment later', async () => {
    const id = '0f0e0d0c-0b0a-4908-8706-050403020100';
    expect(await node.snapshots.current(id)).toBeUndefined();
    await world.node.accounts.createOrganization({ id, key: 'initech', name: 'Initech' }, 'admin');
    expect((await node.snapshots.current(id))?.organization.key).toBe('initech');
  });

  it('are read again after a load that failed', async () => {
    node.licenses.gate = () => Promise.reject(new Error('the database is away'));
    await expect(current()).rejects.toThrow('away');
    node.licenses.gate = () => Promise.resolve();
    expect(await current()).toBeDefined();
  });
});
