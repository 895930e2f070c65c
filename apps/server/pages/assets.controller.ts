import { Controller, Get, Header, Headers, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public, PublicError } from '#platform';
import { assets } from './assets.js';

@Controller('assets')
export class AssetsController {
  /** The name carries the hash of the content, so an answer never goes out of date (RFC 8246). */
  @Get(':name')
  @Public()
  @Header('cache-control', 'public, max-age=31536000, immutable')
  send(
    @Param('name') name: string,
    @Res() reply: FastifyReply,
    @Headers('if-none-match') known?: string,
    @Headers('accept-encoding') accepted = '',
  ): void {
    const asset = assets.byPath.get(`/assets/${name}`);
    if (!asset) throw new PublicError(404, 'not_found', 'There is nothing at this address.');
    const gzip = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?(?:,|$))/.test(accepted);
    // RFC 9110 §8.8.3.3: each coding has a strong validator of its own
    const etag = gzip ? asset.etag.replace(/"$/, '-gzip"') : asset.etag;
    reply.headers({ etag, vary: 'accept-encoding' });
    if (known === etag) {
      void reply.status(304).send();
      return;
    }
    if (gzip) reply.header('content-encoding', 'gzip');
    void reply.type(asset.contentType).send(gzip ? asset.compressed : asset.body);
  }
}
