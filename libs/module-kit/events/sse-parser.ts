/** One dispatched event of a Server-Sent Events stream. */
export interface StreamFrame {
  id: string | undefined;
  event: string;
  data: string;
}

/** In characters; what is larger is no frame of ours, and the reader gives up rather than grow without end. */
const LARGEST_FRAME = 256 * 1024;

/**
 * Cuts a text stream into frames, as the HTML standard says in "Interpreting an event stream". Comments give no
 * frame: that bytes came at all is what says the stream lives.
 */
export class StreamParser {
  private rest = '';
  private id: string | undefined;
  private event = '';
  private data: string[] = [];
  /** Of the frame that is not complete: its lines so far. */
  private size = 0;

  /** Frames that this chunk completed. Throws RangeError on an oversized frame. */
  push(chunk: string): StreamFrame[] {
    const frames: StreamFrame[] = [];
    const lines = (this.rest + chunk).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.line(line, frames);
    requireBounded(this.size + this.rest.length);
    return frames;
  }

  private line(line: string, frames: StreamFrame[]): void {
    if (line === '') {
      if (this.data.length > 0) {
        frames.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
      }
      this.event = '';
      this.data = [];
      this.size = 0;
      return;
    }
    // one more for what ends it: lines without anything on them grow too
    this.size += line.length + 1;
    requireBounded(this.size);
    const [field, value] = splitField(line);
    if (field === 'data') this.data.push(value);
    else if (field === 'event') this.event = value;
    else if (field === 'id' && !value.includes('\0')) this.id = value;
  }
}

function requireBounded(size: number): void {
  if (size > LARGEST_FRAME) throw new RangeError('An event is larger than any of Core Auth');
}

function splitField(line: string): [string, string] {
  const colon = line.indexOf(':');
  if (colon === -1) return [line, ''];
  const value = line.slice(colon + 1);
  return [line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value];
}
