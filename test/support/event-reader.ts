import { basic, type TestClient } from './world.js';
import { eventually } from './answers.js';

export interface Frame {
  readonly id?: string;
  readonly event?: string;
  readonly data?: string;
  readonly comment?: string;
}

/** A module's reader of the event stream: what came, frame by frame. */
export class EventReader {
  readonly frames: Frame[] = [];
  ended = false;
  private readonly abort = new AbortController();

  private constructor(readonly response: Response) {}

  static async open(url: string, client: TestClient, lastEventId?: string): Promise<EventReader> {
    const abort = new AbortController();
    const response = await fetch(`${url}/v1/events`, {
      headers: {
        authorization: basic(client),
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      },
      signal: abort.signal,
    });
    const reader = new EventReader(response);
    reader.abort.signal.addEventListener('abort', () => abort.abort());
    if (response.status === 200) void reader.read().finally(() => (reader.ended = true));
    return reader;
  }

  get events(): Frame[] {
    return this.frames.filter(({ event }) => event !== undefined && event !== 'ready');
  }

  async next(kind: string, subject: string): Promise<Frame> {
    return eventually(
      () => this.events.find(({ event, data }) => event === kind && data?.includes(`"${subject}"`)),
      `${kind} of ${subject}`,
    );
  }

  ready(): Promise<Frame> {
    return eventually(() => this.frames.find(({ event }) => event === 'ready'), 'ready');
  }

  close(): void {
    this.abort.abort();
  }

  private async read(): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of this.response.body ?? []) {
        text += decoder.decode(chunk, { stream: true });
        const blocks = text.split('\n\n');
        text = blocks.pop() ?? '';
        this.frames.push(...blocks.map(frameOf));
      }
    } catch {
      // closed by us, or cut off by the server: either way it has ended
    }
  }
}

function frameOf(block: string): Frame {
  const frame: Record<string, string> = {};
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
    frame[name === '' ? 'comment' : name] = value;
  }
  return frame;
}
