import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Public } from '../guards/decorators.js';
import { DPOP_ALGORITHMS } from '../tokens/dpop-proof.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';

/** Protected resource metadata (RFC 9728 section 2). */
export interface ProtectedResourceMetadata {
  resource: string;
  resource_name: string;
  authorization_servers: string[];
  scopes_supported: string[];
  bearer_methods_supported: string[];
  dpop_signing_alg_values_supported: string[];
  dpop_bound_access_tokens_required: boolean;
}

/**
 * Tells any client, from a 401, who issues the tokens that this module takes (RFC 9728 section 3). The module is one
 * resource, its origin; a client that looks for a path of it, by the path-inserted form of section 3.1, is told so.
 */
@Controller('.well-known/oauth-protected-resource')
export class ProtectedResourceController {
  constructor(@Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions) {}

  @Get(['', '*'])
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
      dpop_signing_alg_values_supported: [...DPOP_ALGORITHMS],
      // bound tokens are held to their proof, others are taken too
      dpop_bound_access_tokens_required: false,
    };
  }
}
