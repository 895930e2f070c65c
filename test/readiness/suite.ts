import { request as httpRequest } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from '../../apps/projects/bootstrap.js';
import { loadSettings } from '../../apps/projects/settings.js';
import type { ControlContext } from '../../libs/readiness/control-context.js';
import { HttpProbe } from '../../libs/readiness/http-probe.js';
import { ProbeFlows } from '../../libs/readiness/probe-flows.js';
import { freePorts } from '../support/ports.js';
import { makeCertificate } from './certificate.js';
import { ReadinessWorld } from './readiness-world.js';

const YEAR = 365 * 86_400_000;
export const CERTIFICATE_ENDS = new Date(Math.floor(Date.now() / 1000) * 1000 + YEAR);

/** A server with the module `projects`, each by its public address: behind TLS, or plain as in development. */
export class Suite {
  private constructor(
    readonly readiness: ReadinessWorld,
    readonly module: NestFastifyApplication,
    readonly issuer: string,
    readonly moduleUrl: string,
    private readonly proxies: readonly Server[],
    private readonly ca: string | undefined,
  ) {}

  static async start({ secure }: { readonly secure: boolean }): Promise<Suite> {
    const [port = 0, modulePort = 0, tlsPort = 0, moduleTlsPort = 0] = await freePorts(4);
    const { cert, key } = makeCertificate({ notAfter: CERTIFICATE_ENDS });
    const issuer = secure ? `https://localhost:${tlsPort}` : `http://localhost:${port}`;
    const moduleUrl = secure ? `https://localhost:${moduleTlsPort}` : `http://localhost:${modulePort}`;
    const proxies = secure
      ? [await proxy({ cert, key }, tlsPort, port), await proxy({ cert, key }, moduleTlsPort, modulePort)]
      : [];
    const readiness = await ReadinessWorld.start({ env: { PORT: String(port), CORE_AUTH_URL: issuer } });
    await moveModule(readiness, moduleUrl);
    const settings = loadSettings({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      PORT: String(modulePort),
      MODULE_URL: moduleUrl,
      CORE_AUTH_URL: issuer,
      CORE_AUTH_INTERNAL_URL: `http://localhost:${port}`,
      OAUTH_CLIENT_ID: 'projects',
      OAUTH_CLIENT_SECRET: readiness.world.id('secret:projects'),
      DATABASE_URL: readiness.world.database.url,
    });
    const module = await createApplication(settings);
    await module.listen(modulePort, '127.0.0.1');
    return new Suite(readiness, module, issuer, moduleUrl, proxies, secure ? cert : undefined);
  }

  /** What a control looks at, with the certificate of the proxies trusted. */
  get trusting(): Pick<ControlContext, 'http' | 'flows'> {
    const { context } = this.readiness;
    const http = new HttpProbe(this.ca);
    return {
      http,
      flows: async (signal) =>
        new ProbeFlows(http, this.issuer, (await context.flows(signal)).identity, signal),
    };
  }

  async stop(): Promise<void> {
    await this.module.close();
    await this.readiness.stop();
    for (const server of this.proxies) {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** Leaves the world with the module `projects` alone, at `url`. */
async function moveModule(readiness: ReadinessWorld, url: string): Promise<void> {
  await readiness.sql(`
    DELETE FROM licenses WHERE module_key = 'reports';
    DELETE FROM clients WHERE module_key = 'reports';
    DELETE FROM plan_versions WHERE module_key = 'reports';
    DELETE FROM features WHERE module_key = 'reports';
    DELETE FROM modules WHERE key = 'reports'`);
  await readiness.sql("UPDATE modules SET base_url = $1 WHERE key = 'projects'", [url]);
  await readiness.sql(
    `UPDATE clients SET redirect_uris = ARRAY[$1 || '/auth/callback'],
            post_logout_redirect_uris = ARRAY[$1 || '/auth/signed-out'],
            backchannel_logout_uri = $1 || '/auth/back-channel-logout' WHERE id = 'projects'`,
    [url],
  );
  await readiness.sql(
    "INSERT INTO outbox (kind, subject) VALUES ('catalog-changed', 'projects'), ('client-changed', 'projects')",
  );
}

/** TLS in front of a plain port, as a load balancer does it. */
async function proxy(tls: { cert: string; key: string }, port: number, to: number): Promise<Server> {
  const server = createServer(tls, (incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = httpRequest({ host: '127.0.0.1', port: to, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return server;
}
