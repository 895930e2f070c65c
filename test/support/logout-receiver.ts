import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedLogout {
  readonly contentType: string | undefined;
  readonly fields: URLSearchParams;
}

/** A client's back-channel logout endpoint: a real HTTP server that answers with what it is told to answer. */
export class LogoutReceiver {
  readonly received: ReceivedLogout[] = [];
  /** Statuses of the next answers; afterwards 200. `hang` never answers. */
  readonly answers: (number | 'hang')[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<LogoutReceiver> {
    const server = createServer();
    const receiver = new LogoutReceiver(server);
    server.on('request', (request: IncomingMessage, response) => {
      void textOf(request).then((body) => {
        receiver.received.push({
          contentType: request.headers['content-type'],
          fields: new URLSearchParams(body),
        });
        const answer = receiver.answers.shift() ?? 200;
        if (answer !== 'hang') response.writeHead(answer, { location: '/elsewhere' }).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/auth/back-channel-logout`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
