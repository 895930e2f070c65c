export type { Actor } from './actor.js';
export { AuditChainRepository, type ChainHead } from './audit/audit-chain.repository.js';
export { AuditChainer, headText } from './audit/audit-chainer.js';
export { verifyChain } from './audit/verify-chain.js';
export { endLog, loggerOptions } from './logger.js';
export { ObservabilityModule } from './observability.module.js';
export { logRequest } from './request-log.js';
