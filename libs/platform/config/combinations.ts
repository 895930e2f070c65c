import { isNetwork } from './setting-values.js';

/** What of the configuration has to fit together. */
interface Combination {
  readonly production: boolean;
  readonly issuer: string;
  readonly demonstrationAccounts: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly outboundNetworks: readonly string[];
  readonly sessionIdleSeconds: number;
  readonly sessionAbsoluteSeconds: number;
  readonly smtpUrl?: string;
  readonly sendsMail: boolean;
  readonly selfRegistration: 'on' | 'off';
}

/** Settings that are good each by itself, and not together or not in production. */
export function combinationProblems(settings: Combination, values: ReadonlyMap<string, string>): string[] {
  const problems: string[] = [];
  if (settings.production && settings.issuer.startsWith('http:')) {
    problems.push('CORE_AUTH_URL must be https in production');
  }
  if (settings.production && settings.demonstrationAccounts.length > 0) {
    problems.push('CORE_AUTH_DEMO_ACCOUNTS must not be set in production');
  }
  if (settings.production && settings.smtpUrl !== undefined && !values.has('CORE_AUTH_MAIL_FROM')) {
    problems.push('CORE_AUTH_MAIL_FROM is not set, and CORE_AUTH_SMTP_URL needs a sender');
  }
  if (settings.selfRegistration === 'on' && !settings.sendsMail) {
    problems.push('CORE_AUTH_SELF_REGISTRATION needs CORE_AUTH_SMTP_URL: addresses are proved by mail');
  }
  for (const proxy of settings.trustedProxies) {
    if (!isNetwork(proxy))
      problems.push(`CORE_AUTH_TRUSTED_PROXIES: "${proxy}" is not an address or a network`);
  }
  for (const network of settings.outboundNetworks) {
    if (!isNetwork(network))
      problems.push(`CORE_AUTH_OUTBOUND_NETWORKS: "${network}" is not an address or a network`);
  }
  if (settings.sessionIdleSeconds > settings.sessionAbsoluteSeconds) {
    problems.push('CORE_AUTH_SESSION_IDLE must not exceed CORE_AUTH_SESSION_ABSOLUTE');
  }
  return problems;
}
