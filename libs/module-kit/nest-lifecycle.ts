import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { CoreAuthLicenses } from './node/core-auth-licenses.js';

/** Listens from boot to shutdown. */
@Injectable()
export class NestLifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(@Inject(CoreAuthLicenses) private readonly core: CoreAuthLicenses) {}

  onApplicationBootstrap(): void {
    this.core.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.core.stop();
  }
}
