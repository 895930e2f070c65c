import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A module's webhook endpoint: a real HTTP server that answers with what it is told to answer. */
export class WebhookReceiver {
  readonly received: ReceivedWebhook[] = [];
  /** The next answers; afterwards 200. */
  readonly answers: WebhookAnswer[] = [];
  /** It takes every request and answers none. */
  hangs = false;

  private constructor(private server: Server) {}

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(createServer());
    await receiver.listen(0);
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }

  /** Goes away, as a receiver that is being replaced; `resume` listens on the same port. */
  async pause(): Promise<{ resume: () => Promise<void> }> {
    const { port } = this;
    await this.stop();
    this.server = createServer();
    return { resume: () => this.listen(port) };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async listen(port: number): Promise<void> {
    this.server.on('request', (request: IncomingMessage, response) => {
      void textOf(request).then((body) => {
        this.received.push({ headers: request.headers as Record<string, string>, body });
        if (this.hangs) return;
        const { status, headers } = this.answers.shift() ?? { status: 200 };
        response.writeHead(status, { ...headers }).end();
      });
    });
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}
