import { PinoLogger } from 'nestjs-pino';

interface LoggedRequest {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly socket: { readonly remoteAddress?: string | undefined };
}

interface LoggedReply {
  readonly statusCode: number;
  /** Milliseconds since the request came. */
  readonly elapsedTime: number;
}

/**
 * Writes one JSON line for a request that has ended, without its query string: codes and states travel there.
 * @param reply undefined when the caller went away before there was one
 */
export function logRequest(request: LoggedRequest, reply: LoggedReply | undefined): void {
  const level = levelOf(reply?.statusCode);
  const logger = PinoLogger.root;
  if (!logger.isLevelEnabled(level)) return;
  const path = request.url.split('?', 1)[0] ?? '';
  // probes come every few seconds
  if (path.startsWith('/health/')) return;
  const { id, method, socket } = request;
  logger[level](
    {
      req: { id, method, path, remoteAddress: socket.remoteAddress },
      ...(reply && {
        res: { statusCode: reply.statusCode },
        responseTime: Math.round(reply.elapsedTime),
      }),
    },
    messageOf(reply?.statusCode),
  );
}

function levelOf(status: number | undefined): 'error' | 'warn' | 'info' {
  if (status !== undefined && status >= 500) return 'error';
  return status === 429 ? 'warn' : 'info';
}

function messageOf(status: number | undefined): string {
  if (status === undefined) return 'request aborted';
  return status >= 500 ? 'request errored' : 'request completed';
}
