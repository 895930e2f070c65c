import { failed, minutes, seconds, unknown, type Control } from '../../control.js';
import { styleSheetOf } from '../style-sheet.js';

/** What a browser loads travels compressed, on one connection, and once. */
export const network: Control = {
  id: 'performance.opt.network',
  kind: 'probe',
  timeout: seconds(10),
  interval: minutes(15),
  async verify(context, signal) {
    const { http } = context;
    const url = await styleSheetOf(context, signal);
    if (!url) return unknown('the sign-in page links no style sheet', 'a static asset to look at');
    const accepting = { 'accept-encoding': 'br, gzip' };
    const first = await http.request(url, { headers: accepting, signal });
    const etag = first.headers.etag;
    const again = await http.request(url, {
      headers: { ...accepting, 'if-none-match': etag ?? '""' },
      signal,
    });
    const kept = await http.request(url, { headers: { connection: 'keep-alive' }, signal });
    const encoding = first.headers['content-encoding'] ?? 'none';
    const seen = `Content-Encoding ${encoding}; If-None-Match ${again.status}; Connection ${kept.headers.connection ?? 'absent'}`;
    if (encoding === 'none' || again.status !== 304 || kept.headers.connection === 'close') {
      return failed(
        'compression, 304 to a known ETag, connections kept',
        seen,
        'let the proxy compress and keep connections',
      );
    }
    return unknown(seen, 'the calls that a guarded request makes (none is allowed)');
  },
};
