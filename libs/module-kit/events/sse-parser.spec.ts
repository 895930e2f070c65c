import { describe, expect, it } from '@jest/globals';
import { StreamParser, type StreamFrame } from './sse-parser.js';

const STREAM =
  ': heartbeat\n\nid: 7\nevent: session-ended\ndata: {"a":\ndata: 1}\n\r\n\r\nevent: x\n\ndata:two\n\n';

describe('the event stream parser', () => {
  it('gives the same frames however the stream is cut', () => {
    const wanted: StreamFrame[] = [
      { id: '7', event: 'session-ended', data: '{"a":\n1}' },
      { id: '7', event: 'message', data: 'two' },
    ];
    for (let size = 1; size <= STREAM.length; size += 1) {
      const parser = new StreamParser();
      const frames: StreamFrame[] = [];
      for (let at = 0; at < STREAM.length; at += size)
        frames.push(...parser.push(STREAM.slice(at, at + size)));
      expect(frames).toEqual(wanted);
    }
  });

  it('gives up a frame without end', () => {
    expect(() => new StreamParser().push(`data: ${'x'.repeat(300_000)}`)).toThrow(RangeError);
  });
});
