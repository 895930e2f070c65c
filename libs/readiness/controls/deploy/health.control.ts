import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';
import { instancesOf } from '../config/instances.js';

const LONG_ENOUGH = minutes(10);

/** The instance has been ready for ten minutes without a break, as its own probe tells. */
export const health: Control = {
  id: 'deploy.post.health',
  kind: 'probe',
  timeout: seconds(5),
  interval: seconds(30),
  async verify({ http, listening, vitals, database }, signal) {
    if (!listening) return unknown('not listening yet', 'an address to ask');
    const { status, body } = await http.request(new URL('/health/ready', listening), { signal });
    const since = vitals.noteReadiness(status === 200);
    if (status !== 200)
      return failed(
        '/health/ready answers 200',
        `HTTP ${status}: ${body.slice(0, 160)}`,
        'mend what the answer calls down',
      );
    const { count, named } = instancesOf((await database.capacity()).applications);
    const seen = `ready for ${Math.floor(since / 60_000)} min`;
    if (since < LONG_ENOUGH) return unknown(seen, 'ten minutes without a break');
    if (count > 1 || !named) return unknown(`${seen} (this instance)`, 'the same of every other instance');
    return verified(`${seen}; one instance`);
  },
};
