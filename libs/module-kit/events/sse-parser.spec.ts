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

  const KILOBYTE = 'x'.repeat(1000);
  const push = (times: number, text: string) => {
    const parser = new StreamParser();
    return Array.from({ length: times }, () => parser.push(text)).flat();
  };

  it.each([
    ['one line', KILOBYTE],
    ['many lines of data', `data: ${KILOBYTE}\n`],
    ['many lines of data with nothing on them', 'data\n'.repeat(200)],
    ['a comment of one line', `:${KILOBYTE}`],
    ['many comments', `: ${KILOBYTE}\n`],
    ['many lines that mean nothing', `x: ${KILOBYTE}\r\n`],
  ])('gives up an event that does not end: %s', (_, text) => {
    expect(push(200, text)).toEqual([]);
    expect(() => push(300, text)).toThrow(RangeError);
  });

  it('takes any number of events, in pieces of any size: each is measured by itself', () => {
    const event = `data: ${KILOBYTE}\ndata: ${KILOBYTE}\n: ${KILOBYTE}\n\n`;
    expect(push(300, event)).toHaveLength(300);
    expect(push(1, event.repeat(300))).toHaveLength(300);
  });
});
