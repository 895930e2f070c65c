import { setMaxListeners } from 'node:events';
import type { ControlContext } from '../../libs/readiness/control-context.js';
import { ControlContexts } from '../../libs/readiness/control-contexts.js';
import type { Control } from '../../libs/readiness/control.js';
import type { Finding } from '../../libs/readiness/report.js';
import { Client } from 'pg';
import { Configuration } from '#platform';
import { World, type WorldOptions } from '../support/world.js';

/** A running server whose controls are run one by one, with a fault put in between. */
export class ReadinessWorld {
  private constructor(readonly world: World) {}

  static async start(options: WorldOptions = {}): Promise<ReadinessWorld> {
    return new ReadinessWorld(await World.start(options));
  }

  get context(): ControlContext {
    return this.world.app.get(ControlContexts).current();
  }

  /** The server's own configuration, as it runs; what a test changes holds from then on. */
  get configuration(): Configuration {
    return this.world.app.get(Configuration);
  }

  /** One verification, with parts of what it looks at exchanged. */
  verify(control: Control, changed: Partial<ControlContext> = {}): Promise<Finding> {
    const signal = AbortSignal.timeout(control.timeout);
    setMaxListeners(100, signal);
    return control.verify({ ...this.context, ...changed }, signal);
  }

  /** As `verify`, with other settings than the server runs with. */
  verifyWith(control: Control, settings: Partial<Configuration>): Promise<Finding> {
    return this.verify(control, { configuration: configurationWith(this.configuration, settings) });
  }

  /** As somebody with a SQL client. */
  async sql<Row>(text: string, values: unknown[] = []): Promise<Row[]> {
    const client = new Client({ connectionString: this.world.database.url });
    await client.connect();
    try {
      return (await client.query(text, values)).rows as Row[];
    } finally {
      await client.end();
    }
  }

  /** How many rows; `rows` is what follows FROM. */
  async count(rows: string): Promise<number> {
    const [row] = await this.sql<{ count: number }>(`SELECT count(*)::int AS count FROM ${rows}`);
    return row?.count ?? NaN;
  }

  stop(): Promise<void> {
    return this.world.stop();
  }
}

export function configurationWith(
  configuration: Configuration,
  settings: Partial<Configuration>,
): Configuration {
  return Object.assign(Object.create(Configuration.prototype) as Configuration, configuration, settings);
}
