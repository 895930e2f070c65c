import { failed, minutes, seconds, verified, type Control } from '../../control.js';
import type { ProbeResponse } from '../../http-probe.js';
import { PROBE_NAME } from '../../probe-identity.js';

const DANGEROUS = '<script>alert(1)';
const ESCAPED = /&lt;script(>|&gt;)alert\(1\)/;

/** Pages forbid foreign and inline scripts, and show a name that looks like one as text. */
export const xss: Control = {
  id: 'security.data.xss',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const flows = await context.flows(signal);
    const browser = await flows.signedIn();
    const launcher = await browser.request(`${flows.issuer}/`);
    const others = [
      `${flows.issuer}/sign-in`,
      `${flows.issuer}/signed-out`,
      `${flows.issuer}/oauth2/authorize?client_id=${encodeURIComponent(DANGEROUS)}`,
    ];
    const pages = [launcher, ...(await Promise.all(others.map((url) => flows.browser().request(url))))];
    const wrong = pages.flatMap(headerProblems);
    if (wrong.length > 0) {
      return failed(
        "a Content-Security-Policy without unsafe-inline, with frame-ancestors 'none', and nosniff on every page",
        wrong.join('; '),
        'let the proxy pass the headers of the server on as they are, or roll back to a build that sends them',
      );
    }
    if (pages.some(({ body }) => body.includes(DANGEROUS))) {
      return failed(
        `a name such as ${PROBE_NAME} as text`,
        'it came back as markup',
        'roll back to a build whose pages escape',
      );
    }
    if (!ESCAPED.test(launcher.body)) throw new Error("the launcher did not show the probe's name");
    return verified(`${pages.length} pages with a strict policy; a script-shaped name came back escaped`);
  },
};

function headerProblems({ url, headers }: ProbeResponse): string[] {
  const policy = String(headers['content-security-policy'] ?? '');
  const directives = new Map(
    policy.split(';').map((directive): [string, string] => {
      const [name = '', ...values] = directive.trim().split(/\s+/);
      return [name, values.join(' ')];
    }),
  );
  const scripts = directives.get('script-src') ?? directives.get('default-src');
  const wrong = [
    scripts === undefined && 'no script-src or default-src',
    /'unsafe-inline'|'unsafe-eval'|(^|\s)(\*|https?:|data:)(\s|$)/.test(scripts ?? '') &&
      `scripts from ${scripts}`,
    /'unsafe-inline'/.test(policy) && 'unsafe-inline',
    directives.get('frame-ancestors') !== "'none'" && "no frame-ancestors 'none'",
    headers['x-content-type-options'] !== 'nosniff' && 'no nosniff',
  ].filter((problem) => problem !== false);
  return wrong.length > 0 ? [`${url.pathname}: ${wrong.join(', ')}`] : [];
}
