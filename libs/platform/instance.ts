import { randomUUID } from 'node:crypto';

/** Names this process among the nodes of a deployment, for as long as it runs. */
export const instanceId = randomUUID();
