import { Body, Controller, Delete, Get, Header, Headers, HttpCode, Param, Post, Put } from '@nestjs/common';
import { AcceptsJson, Public } from '#platform';
import { InvalidClientMetadata } from '../oauth.errors.js';
import { ClientRegistration, type RegistrationAnswer } from './client-registration.js';

/** Whoever calls is known by the token that `ClientRegistration` asks for. */
@Controller('oauth2/register')
export class RegistrationController {
  constructor(private readonly registration: ClientRegistration) {}

  @Post()
  @Public()
  @AcceptsJson()
  @HttpCode(201)
  // RFC 7591 §3.2.1
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  async register(
    @Body() body: unknown,
    @Headers('content-type') type: string | undefined,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<RegistrationAnswer> {
    return this.registration.register(jsonBody(body, type), authorization);
  }

  @Get(':client_id')
  @Public()
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  async read(
    @Param('client_id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<RegistrationAnswer> {
    return this.registration.read(id, authorization);
  }

  @Put(':client_id')
  @Public()
  @AcceptsJson()
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  async replace(
    @Param('client_id') id: string,
    @Body() body: unknown,
    @Headers('content-type') type: string | undefined,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<RegistrationAnswer> {
    return this.registration.replace(id, jsonBody(body, type), authorization);
  }

  @Delete(':client_id')
  @Public()
  @HttpCode(204)
  @Header('cache-control', 'no-store')
  @Header('pragma', 'no-cache')
  async remove(
    @Param('client_id') id: string,
    @Headers('authorization') authorization: string | undefined,
  ): Promise<void> {
    await this.registration.remove(id, authorization);
  }
}

/** RFC 7591 §3.1: JSON, where a form would be understood as well. */
function jsonBody(body: unknown, type: string | undefined): unknown {
  if (/^application\/json *(;|$)/i.test(type ?? '')) return body;
  throw new InvalidClientMetadata('The client metadata must be sent as application/json.');
}
