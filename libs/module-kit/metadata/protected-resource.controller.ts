import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Public } from '../guards/decorators.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';

/** Protected resource metadata (RFC 9728 section 2). */
export interface ProtectedResourceMetadata {
  resource: string;
  resource_name: string;
  authorization_servers: string[];
  scopes_supported: string[];
  bearer_methods_supported: string[];
}

/** Tells any client, from a 401, who issues the tokens that this module takes (RFC 9728 section 3). */
@Controller('.well-known/oauth-protected-resource')
export class ProtectedResourceController {
  constructor(@Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions) {}

  @Get()
  @Public()
  @Header('cache-control', 'public, max-age=300')
  @Header('access-control-allow-origin', '*')
  metadata(): ProtectedResourceMetadata {
    const { moduleUrl, moduleKey, moduleName, coreAuthUrl, resourceScopes } = this.options;
    return {
      resource: moduleUrl,
      resource_name: moduleName || moduleKey,
      authorization_servers: [coreAuthUrl],
      scopes_supported: [...resourceScopes],
      bearer_methods_supported: ['header'],
    };
  }
}
