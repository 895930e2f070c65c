import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { freePort } from './ports.js';

/**
 * Between a module and the nodes of Core Auth, as a load balancer: passes everything on, requests to the nodes in turn
 * and the event stream to the last of them. Told to, it loses the event stream or everything.
 */
export class Line {
  private readonly streams = new Set<() => void>();
  private readonly server: Server;
  private turn = 0;
  private stream: 'up' | 'cut' | 'silent' = 'up';
  private down = false;

  private constructor(
    private readonly ports: readonly number[],
    readonly url: string,
  ) {
    this.server = createServer((incoming, answer) => this.pass(incoming, answer));
  }

  /** @param ports of the nodes, which may begin to listen later */
  static async open(...ports: readonly number[]): Promise<Line> {
    const port = await freePort();
    const line = new Line(ports, `http://localhost:${port}`);
    await new Promise<void>((resolve) => line.server.listen(port, '127.0.0.1', resolve));
    return line;
  }

  /** The connections of the event stream end, and no new one comes about. */
  cutStream(): void {
    this.stream = 'cut';
    this.endStreams();
  }

  /** The connections of the event stream stay, but nothing comes over them any more. */
  silenceStream(): void {
    this.stream = 'silent';
  }

  /** Nothing answers any more. */
  goDown(): void {
    this.down = true;
    this.server.closeAllConnections();
  }

  /** Everything is passed on again; a stream that lost bytes begins anew. */
  restore(): void {
    this.down = false;
    if (this.stream === 'silent') this.endStreams();
    this.stream = 'up';
  }

  async close(): Promise<void> {
    this.cutStream();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private pass(incoming: IncomingMessage, answer: ServerResponse): void {
    const isStream = incoming.url?.startsWith('/v1/events') ?? false;
    if (this.down || (isStream && this.stream === 'cut')) {
      answer.destroy();
      return;
    }
    const port = isStream ? this.ports.at(-1) : this.ports[(this.turn += 1) % this.ports.length];
    const { url: path, method, headers } = incoming;
    const onward = request({ hostname: '127.0.0.1', port, path, method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.on('data', (bytes: Buffer) => {
        if (!isStream || this.stream !== 'silent') answer.write(bytes);
      });
      response.on('end', () => answer.end());
    });
    onward.on('error', () => answer.destroy());
    const end = () => {
      this.streams.delete(end);
      answer.destroy();
    };
    answer.on('close', () => {
      onward.destroy();
      this.streams.delete(end);
    });
    incoming.pipe(onward);
    if (isStream) this.streams.add(end);
  }

  private endStreams(): void {
    for (const end of [...this.streams]) end();
  }
}
