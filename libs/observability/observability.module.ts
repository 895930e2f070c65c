import { Module } from '@nestjs/common';
import { AuditChainRepository } from './audit/audit-chain.repository.js';
import { AuditChainer } from './audit/audit-chainer.js';

@Module({
  providers: [AuditChainRepository, AuditChainer],
  exports: [AuditChainRepository, AuditChainer],
})
export class ObservabilityModule {}
