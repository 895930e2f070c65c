import { Controller, Get, Query, Res } from '@nestjs/common';
import { IsOptional, IsString, MaxLength } from 'class-validator';
import type { FastifyReply } from 'fastify';
import QRCode from 'qrcode';
import { formatUserCode, readUserCode } from '#oauth';
import { Configuration, Public, PublicError } from '#platform';

class QrQuery {
  @IsOptional()
  @IsString({ message: 'user_code must be sent once.' })
  @MaxLength(64, { message: 'The code is too long.' })
  user_code?: string;
}

@Controller('device/qr')
export class DeviceQrController {
  constructor(private readonly configuration: Configuration) {}

  /**
   * RFC 8628 §3.3.1: the complete verification URI as a picture, for the screen of a device. It says nothing that its
   * own address does not say, and nothing is looked up for it.
   */
  @Get()
  @Public()
  async send(@Query() { user_code: text }: QrQuery, @Res() reply: FastifyReply): Promise<void> {
    const code = readUserCode(text);
    if (code === undefined) throw new PublicError(404, 'not_found', 'There is no picture of that code.');
    const address = `${this.configuration.issuer}/device?user_code=${formatUserCode(code)}`;
    const picture = await QRCode.toString(address, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
    void reply
      .headers({ 'content-type': 'image/svg+xml; charset=utf-8', 'cache-control': 'public, max-age=600' })
      .send(picture);
  }
}
