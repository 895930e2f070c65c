import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  /** Raw, with the status line. */
  readonly head: string;
  readonly body: string;
}

interface Waiting {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** One kept-alive connection, one request at a time: as little work as possible beside the server that is measured. */
export class HttpConnection {
  private received = '';
  private waiting: Waiting | undefined;

  private constructor(private readonly socket: Socket) {
    // one byte is one character, so that Content-Length counts characters
    socket.setEncoding('latin1').setNoDelay(true);
    socket.on('data', (text: string) => this.read(text));
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the server closed the connection')));
  }

  static open(port: number): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new HttpConnection(socket));
      });
    });
  }

  /** @param request the whole of it, head and body */
  send(request: string): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.socket.removeAllListeners('close').destroy();
  }

  private read(text: string): void {
    this.received = this.received === '' ? text : this.received + text;
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.received.slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) return this.fail(new Error(`an answer without Content-Length:\n${head}`));
    const bodyStart = end + 4;
    if (this.received.length < bodyStart + Number(length)) return;
    const body = this.received.slice(bodyStart);
    this.received = '';
    const waiting = this.waiting;
    this.waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  private fail(error: Error): void {
    this.waiting?.reject(error);
    this.waiting = undefined;
  }
}

/** The text of a header of an answer. */
export function headerOf({ head }: HttpAnswer, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(head)?.[1];
}

export function getRequest(path: string, headers: Readonly<Record<string, string>> = {}): string {
  return `GET ${path} HTTP/1.1\r\n${lines(headers)}\r\n`;
}

export function postRequest(path: string, headers: Readonly<Record<string, string>>, form: string): string {
  const all = { ...headers, 'content-type': 'application/x-www-form-urlencoded' };
  return `POST ${path} HTTP/1.1\r\n${lines(all)}content-length: ${form.length}\r\n\r\n${form}`;
}

export function jsonRequest(path: string, headers: Readonly<Record<string, string>>, body: unknown): string {
  const text = JSON.stringify(body);
  const all = { ...headers, 'content-type': 'application/json' };
  return `POST ${path} HTTP/1.1\r\n${lines(all)}content-length: ${text.length}\r\n\r\n${text}`;
}

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries({ host: 'localhost', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
