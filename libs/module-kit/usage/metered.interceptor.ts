import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Observable } from 'rxjs';
import { METERED, type MeteredRequirement } from '../guards/decorators.js';
import type { KitReply, KitRequest } from '../http/http-types.js';
import { UsageRecorder } from './usage-recorder.js';

/** Counts the use of a route with `@Metered()` after every guard has let the request in, and before its handler runs. */
@Injectable()
export class MeteredInterceptor implements NestInterceptor {
  constructor(
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(UsageRecorder) private readonly uses: UsageRecorder,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const metered = this.reflector.getAllAndOverride<MeteredRequirement | undefined>(METERED, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (metered) await this.count(context, metered);
    return next.handle();
  }

  private async count(context: ExecutionContext, { feature, amount }: MeteredRequirement): Promise<void> {
    const request = context.switchToHttp().getRequest<KitRequest>();
    const reply = context.switchToHttp().getResponse<KitReply>();
    const { principal } = request;
    if (!principal) throw new Error('A metered route must not be @Public()');
    const key = this.uses.keyOf(request, principal, feature);
    request.use = await this.uses.require(principal, feature, amount, key);
    for (const [name, value] of Object.entries(this.uses.headers(request.use))) reply.header(name, value);
  }
}
