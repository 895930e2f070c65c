import { lookup } from 'node:dns/promises';
import { connect, type PeerCertificate } from 'node:tls';
import { failed, minutes, notApplicable, seconds, unknown, verified, type Control } from '../../control.js';
import type { ControlContext } from '../../control-context.js';
import { briefly } from '../../control-runner.js';
import { jsonOf } from '../../probe-flows.js';
import { styleSheetOf } from '../style-sheet.js';
import { isLoopback } from './database-address.js';

const LEAST_DAYS = 21;

/** The server, its cookies, callbacks and modules live under one roof. */
export const domain: Control = {
  id: 'config.net.domain',
  kind: 'probe',
  timeout: seconds(5),
  interval: minutes(10),
  async verify({ configuration, security }) {
    const issuer = new URL(configuration.issuer);
    const modules = await security.modules();
    const roof = roofOf(issuer.hostname);
    for (const { key, baseUrl, clients } of modules) {
      const { hostname, origin } = new URL(baseUrl);
      if (hostname !== roof && !hostname.endsWith(`.${roof}`)) {
        return failed(
          `every module under ${roof}`,
          `${key} is at ${hostname}`,
          `give ${key} an address under ${roof}, or CORE_AUTH_URL one beside it`,
        );
      }
      const astray = clients
        .filter(({ enabled }) => enabled)
        .flatMap(({ redirectUris }) => redirectUris)
        .find((uri) => new URL(uri).origin !== origin);
      if (astray !== undefined)
        return failed(
          `callbacks of ${key} at ${origin}`,
          astray,
          `correct redirect_uris of the client of ${key}`,
        );
    }
    const local = [issuer.href, ...modules.map(({ baseUrl }) => baseUrl)].find((url) =>
      isLoopback(new URL(url).hostname),
    );
    if (configuration.production && local !== undefined) {
      return failed(
        'no localhost in production',
        local,
        'set CORE_AUTH_URL and the modules’ base URLs to public addresses',
      );
    }
    return verified(
      `${issuer.origin} and ${modules.length} modules under ${roof}, callbacks at their own origins`,
    );
  },
};

/** `auth.example.com` lives under `example.com`; a name of two labels or an address under itself. */
function roofOf(hostname: string): string {
  const labels = hostname.split('.');
  return labels.length > 2 && !/^[\d.]+$|:/.test(hostname) ? labels.slice(1).join('.') : hostname;
}

/** Every public address shows a certificate that browsers take, for a while yet. */
export const tlsCertificates: Control = {
  id: 'config.net.tls-certificates',
  kind: 'probe',
  timeout: seconds(15),
  interval: minutes(60),
  async verify(context) {
    const seen: string[] = [];
    for (const url of await publicUrls(context)) {
      if (url.protocol !== 'https:')
        return failed(
          'https at every public address',
          `${url.origin} is plain http`,
          'put a TLS proxy before it and name it by https://',
        );
      const handshake = await shakeHands(url, context.http.ca, context.clock.now());
      const wrong = problemOf(handshake);
      if (wrong !== undefined)
        return failed(
          'a valid chain and name, 21 days left, TLS 1.2 or newer, a key of 2048 (RSA) or 256 (EC) bits',
          `${url.host}: ${wrong}`,
          'renew the certificate: certbot renew, or the job of your certificate manager',
        );
      seen.push(`${url.host} ${handshake.protocol}, ${Math.floor(handshake.daysLeft)} days left`);
    }
    return verified(seen.join('; '));
  },
};

interface Handshake {
  readonly error: string | undefined;
  readonly protocol: string;
  readonly daysLeft: number;
  readonly bits: number;
  readonly elliptic: boolean;
}

function problemOf({ error, protocol, daysLeft, bits, elliptic }: Handshake): string | undefined {
  if (error !== undefined) return error;
  if (!['TLSv1.2', 'TLSv1.3'].includes(protocol)) return protocol;
  if (daysLeft < LEAST_DAYS) return `${Math.floor(daysLeft)} days left`;
  return bits < (elliptic ? 256 : 2048) ? `a key of ${bits} bits` : undefined;
}

function shakeHands(url: URL, ca: string | undefined, now: Date): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const port = Number(url.port || 443);
    // looked at whatever its state, and judged here; no secret is ever sent through it
    const socket = connect(
      {
        host: url.hostname,
        port,
        servername: url.hostname,
        rejectUnauthorized: false,
        ...(ca ? { ca } : {}),
      },
      () => {
        const certificate: PeerCertificate & { asn1Curve?: string } = socket.getPeerCertificate();
        resolve({
          error: socket.authorized ? undefined : String(socket.authorizationError),
          protocol: socket.getProtocol() ?? 'no TLS',
          daysLeft: (Date.parse(certificate.valid_to) - now.getTime()) / 86_400_000,
          bits: certificate.bits ?? 0,
          elliptic: certificate.asn1Curve !== undefined,
        });
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

/** Every public name leads here. */
export const dns: Control = {
  id: 'config.net.dns',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(10),
  async verify(context, signal) {
    const { configuration, http, instance } = context;
    const urls = await publicUrls(context);
    for (const { hostname } of urls) {
      try {
        await lookup(hostname.replace(/^\[|\]$/g, ''));
      } catch (error) {
        return failed(`${hostname} resolves`, briefly(error), `add an A or AAAA record for ${hostname}`);
      }
    }
    const live = await http.request(`${configuration.issuer}/health/live`, { signal });
    const answered = instanceIn(live.body);
    if (answered !== instance) {
      const others = (await context.database.capacity()).applications.length > 1;
      if (!answered || !others)
        return failed(
          'an answer of this instance',
          answered ? `instance ${answered}` : `HTTP ${live.status}`,
          'correct the record, or CORE_AUTH_URL',
        );
      return unknown(
        `instance ${answered} answered`,
        'whether it belongs to this deployment: instances are not registered by name',
      );
    }
    for (const url of urls.slice(1)) {
      const metadata = await http
        .request(new URL('/.well-known/oauth-protected-resource', url), { signal })
        .then(
          ({ status, body }) => ({ answer: `HTTP ${status}`, body }),
          (error: unknown) => ({ answer: briefly(error), body: '' }),
        );
      const servers = jsonOf(metadata.body).authorization_servers;
      if (!Array.isArray(servers) || !servers.includes(configuration.issuer)) {
        return failed(
          `${url.origin} names ${configuration.issuer} as its authorization server`,
          `${metadata.answer} without it`,
          'correct the record of the module, or its CORE_AUTH_URL',
        );
      }
    }
    return verified(
      `${[...new Set(urls.map(({ hostname }) => hostname))].join(', ')} resolve; this instance and its modules answered`,
    );
  },
};

export function instanceIn(body: string): string | undefined {
  const details = jsonOf(body).details as { process?: { instance?: string } } | undefined;
  return details?.process?.instance;
}

/** The server's own address first, then each module's. */
async function publicUrls({ configuration, security }: ControlContext): Promise<URL[]> {
  const modules = await security.modules();
  return [configuration.issuer, ...modules.map(({ baseUrl }) => baseUrl)].map((url) => new URL(url));
}

/** Assets may be kept for ever and travel compressed; who serves them is the server itself, since no CDN can be set. */
export const cdn: Control = {
  id: 'config.net.cdn',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const url = await styleSheetOf(context, signal);
    if (!url) return unknown('the sign-in page links no style sheet', 'a static asset to look at');
    const asset = await context.http.request(url, {
      headers: { 'accept-encoding': 'br, gzip' },
      signal,
    });
    const caching = String(asset.headers['cache-control'] ?? 'absent');
    const encoding = String(asset.headers['content-encoding'] ?? 'none');
    const seen = `${url.pathname}: Cache-Control ${caching}; Content-Encoding ${encoding}`;
    if (
      !/\bimmutable\b/.test(caching) ||
      !/max-age=\d{6,}/.test(caching) ||
      !/^(br|gzip|zstd)$/.test(encoding)
    ) {
      return failed(
        'Cache-Control with a long max-age and immutable, and compression',
        seen,
        'let the proxy pass Cache-Control on and compress text/css',
      );
    }
    return notApplicable(`no CDN host is set: the server serves its assets itself; ${seen}`);
  },
};
