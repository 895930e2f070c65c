import type { Mail, MailAction } from './mail.js';

export interface MailText {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const LONGEST_SUBJECT = 200;

/** Dark where the reader's machine is; nothing is loaded from anywhere. */
const STYLE = `
body{margin:0;padding:24px;background:#f4f5f7;color:#1c2330;font:16px/1.5 system-ui,sans-serif}
main{max-width:560px;margin:0 auto;padding:24px;background:#fff;border:1px solid #d8dce3;border-radius:8px}
h1{margin:0 0 16px;font-size:20px}
p{margin:0 0 16px;overflow-wrap:anywhere}
a{color:#1f4fbf}
@media (prefers-color-scheme:dark){
body{background:#12161d;color:#e8ebf0}main{background:#1b212b;border-color:#39424f}a{color:#9dbcff}}`;

/** A mail as it is sent: what it says as plain text and as HTML, with nothing in either that was not in the mail. */
export function mailText({ subject, paragraphs }: Mail): MailText {
  const title = oneLine(subject).slice(0, LONGEST_SUBJECT);
  return {
    subject: title,
    text: `${paragraphs.map(plainParagraph).join('\n\n')}\n`,
    html: [
      '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">',
      '<meta name="color-scheme" content="light dark"><meta name="supported-color-schemes" content="light dark">',
      `<title>${escaped(title)}</title><style>${STYLE}</style></head>`,
      `<body><main><h1>${escaped(title)}</h1>${paragraphs.map(htmlParagraph).join('')}</main></body></html>\n`,
    ].join(''),
  };
}

function plainParagraph(paragraph: string | MailAction): string {
  return typeof paragraph === 'string'
    ? oneLine(paragraph)
    : `${oneLine(paragraph.label)}:\n${paragraph.url}`;
}

function htmlParagraph(paragraph: string | MailAction): string {
  if (typeof paragraph === 'string') return `<p>${escaped(oneLine(paragraph))}</p>`;
  const url = escaped(paragraph.url);
  // the address stands in the text too, for who wants to see where it leads
  return `<p><a href="${url}"><strong>${escaped(oneLine(paragraph.label))}</strong></a><br><small>${url}</small></p>`;
}

/** A line feed in a header would begin another header (RFC 5322 §2.2); in a name it would begin another paragraph. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
