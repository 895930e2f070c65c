import { Inject, Injectable } from '@nestjs/common';
import type { KitReply } from '../http/http-types.js';
import { MODULE_KIT_OPTIONS, type ResolvedOptions } from '../options.js';
import { DEFAULT_PAGES, DEFAULT_PAGES_CSP } from './default-pages.js';
import type { KitPages } from './pages.js';

/** Sends the module's page where it has one, the kit's own otherwise. */
@Injectable()
export class PageRenderer {
  constructor(@Inject(MODULE_KIT_OPTIONS) private readonly options: ResolvedOptions) {}

  send<Name extends keyof KitPages>(
    reply: KitReply,
    status: number,
    name: Name,
    view: Parameters<KitPages[Name]>[0],
  ): void {
    const own = this.options.pages[name] as ((view: Parameters<KitPages[Name]>[0]) => string) | undefined;
    const fallback = DEFAULT_PAGES[name] as (view: Parameters<KitPages[Name]>[0]) => string;
    if (!own) reply.header('content-security-policy', DEFAULT_PAGES_CSP);
    reply.code(status);
    reply.header('content-type', 'text/html; charset=utf-8');
    reply.header('cache-control', 'no-store');
    reply.send((own ?? fallback)(view));
  }
}
