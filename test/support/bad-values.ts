/** A parameter as it is written into a form or a query: its name and its value, both encoded already. */
type Write = (name: string, value: string) => string;

export interface Deformation {
  readonly title: string;
  readonly ways: Readonly<Record<string, Write>>;
}

const written: Write = (name, value) => `${name}=${value}`;
const followedBy =
  (text: string): Write =>
  (name, value) =>
    `${name}=${value}${text}`;
const replacedBy =
  (text: string): Write =>
  (name) =>
    `${name}=${text}`;

/** More than any parameter may have, and with the rest of its request less than a header holds. */
const LONG = 10_000;

/** Where the parameter counts as left out (RFC 6749 §3.1, §3.2). */
export const ABSENT: Deformation = {
  title: 'missing',
  ways: {
    'left out': () => '',
    empty: (name) => `${name}=`,
    'empty, twice': (name) => `${name}=&${name}=`,
    'without a sign': (name) => name,
    'by another name': (name, value) => `${name}x=${value}`,
    'as a list': (name, value) => `${name}[]=${value}`,
    'as a member': (name, value) => `${name}[x]=${value}`,
    'in upper case': (name, value) => `${name.toUpperCase()}=${value}`,
    'with a NUL in its name': (name, value) => `${name}%00=${value}`,
    'with a broken escape in its name': (name, value) => `${name}%=${value}`,
  },
};

export const REPEATED: Deformation = {
  title: 'sent twice',
  ways: {
    'the same again': (name, value) => `${name}=${value}&${name}=${value}`,
    'another too': (name, value) => `${name}=${value}&${name}=other`,
    'another first': (name, value) => `${name}=other&${name}=${value}`,
    'its name encoded': (name, value) =>
      `${name}=${value}&%${name.charCodeAt(0).toString(16)}${name.slice(1)}=x`,
    'forty times': (name, value) => Array.from({ length: 40 }, () => written(name, value)).join('&'),
  },
};

export const OVERSIZED: Deformation = {
  title: 'oversized',
  ways: {
    'by letters': followedBy('x'.repeat(LONG)),
    'by spaces': followedBy('+'.repeat(LONG)),
    'by other letters': replacedBy('%C3%9F'.repeat(8200)),
  },
};

/** Characters that no parameter holds (RFC 6749 appendix A). */
export const CONTROL_CHARACTERS: Deformation = {
  title: 'with control characters',
  ways: {
    NUL: followedBy('%00'),
    'NUL first': (name, value) => `${name}=%00${value}`,
    'NUL alone': replacedBy('%00'),
    'a line break': followedBy('%0D%0ASet-Cookie:%20a=b'),
    escape: followedBy('%1B[2J'),
    delete: followedBy('%7F'),
    'a C1 control': followedBy('%C2%85'),
  },
};

export const WRONG_ENCODING: Deformation = {
  title: 'in a wrong encoding',
  ways: {
    'a broken escape': followedBy('%'),
    'a half escape': followedBy('%4'),
    'an escape of no number': followedBy('%zz'),
    'bytes that are no UTF-8': followedBy('%FF%FE'),
    'an overlong form': followedBy('%C0%AF'),
    'a surrogate': followedBy('%ED%A0%80'),
    'a cut character': followedBy('%E2%82'),
    UTF16: (name, value) => `${name}=${value.replace(/[a-z]/gi, '%00$&')}`,
    'encoded twice': (name, value) =>
      `${name}=${value.replace(/[a-z]/i, (letter) => `%25${letter.charCodeAt(0).toString(16)}`)}`,
  },
};

export const WRONG_TYPE: Deformation = {
  title: 'of a wrong type',
  ways: {
    'half an object': replacedBy('%7B%22x%22:'),
    list: replacedBy('%5B%22x%22%5D'),
    'negative number': replacedBy('-1'),
    'number beyond all': replacedBy('1e999'),
    'not a number': replacedBy('NaN'),
    nothing: replacedBy('null'),
    truth: replacedBy('true'),
    prototype: replacedBy('__proto__'),
    'a quotation': replacedBy('%27%22%3E%3Cscript%3E'),
    'a statement': replacedBy("'%3B--"),
  },
};

/** Members of a JSON document. */
export const WRONG_JSON: Readonly<Record<string, unknown>> = {
  'a number': 7,
  'a number beyond all': 1e300,
  'a negative number': -1,
  'a part': 0.5,
  truth: true,
  text: 'x',
  'text with NUL': 'a\0b',
  'text with control characters': 'a\r\nb\u0085',
  'a surrogate alone': 'a\ud800b',
  'text that runs the other way': 'a\u202eb',
  oversized: 'x'.repeat(60_000),
  list: [],
  'list of nothing': [null],
  'list of numbers': [1, 2],
  'list of texts': ['x', 'x\0'],
  'list of lists': [[['x']]],
  'long list': Array.from({ length: 2000 }, (_, index) => `x${index}`),
  object: {},
  'object of objects': { x: { y: {} } },
  'object with a surrogate': { '\ud800': { err: '\ud800', description: '\0' } },
};

/** Whole documents, none of which is an object that anybody asks for. */
export const MALFORMED_JSON: Readonly<Record<string, string | Buffer>> = {
  nothing: '',
  'half a document': '{"a":',
  'a list': '[]',
  'a number': '1e999',
  null: 'null',
  text: '"x"',
  'two documents': '{}{}',
  'a comment': '{/**/}',
  'a prototype': '{"__proto__":{"a":1}}',
  'a constructor': '{"constructor":{"prototype":{"a":1}}}',
  // a poll that would be good otherwise must not wait
  'bytes that are no UTF-8': Buffer.from('{"returnImmediately":true,"\xff\xfe":1}', 'latin1'),
  'UTF-16': Buffer.from('{"a":1}', 'utf16le'),
  'control characters': '{"a":"\0\r\n"}',
  'many brackets': '['.repeat(60_000),
  'many objects': '{"a":'.repeat(10_000),
  'more than 64 KiB': `{"a":"${'x'.repeat(65_536)}"}`,
};

/** `https://projects.example/callback`, as it is not registered (RFC 9700 §2.1, §4.1). */
export const LOOK_ALIKES: Readonly<Record<string, string>> = {
  'user information': 'https://projects.example@evil.example/callback',
  'user information of its own': 'https://evil@projects.example/callback',
  'user information with a backslash': 'https://evil.example\\@projects.example/callback',
  'a trailing dot': 'https://projects.example./callback',
  'a backslash': 'https://projects.example\\callback',
  'backslashes for slashes': 'https:\\\\projects.example\\callback',
  'a backslash before another host': 'https://evil.example\\.projects.example/callback',
  'an encoded slash': 'https://projects.example%2Fcallback',
  'an encoded slash in the path': 'https://projects.example/%2fcallback',
  'an encoded letter': 'https://projects.example/c%61llback',
  'an encoded dot': 'https://projects%2Eexample/callback',
  'upper case in the scheme': 'HTTPS://projects.example/callback',
  'upper case in the host': 'https://PROJECTS.example/callback',
  'upper case in the path': 'https://projects.example/Callback',
  'its default port': 'https://projects.example:443/callback',
  'another port': 'https://projects.example:8443/callback',
  'an empty port': 'https://projects.example:/callback',
  'path traversal': 'https://projects.example/callback/../callback',
  'path traversal to elsewhere': 'https://projects.example/callback/../../evil',
  'encoded path traversal': 'https://projects.example/callback/%2e%2e/callback',
  'a dot': 'https://projects.example/./callback',
  'a trailing slash': 'https://projects.example/callback/',
  'a double slash': 'https://projects.example//callback',
  'a query': 'https://projects.example/callback?x',
  'an empty query': 'https://projects.example/callback?',
  'a fragment': 'https://projects.example/callback#x',
  'an empty fragment': 'https://projects.example/callback#',
  'a letter of another alphabet': 'https://рrojects.example/callback',
  'the same in Punycode': 'https://xn--rojects-3jg.example/callback',
  'a full-width letter': 'https://ｐrojects.example/callback',
  'an ideographic full stop': 'https://projects。example/callback',
  'a letter and its accent': 'https://projects.example/callbáck',
  'an invisible character': 'https://projects.example/call\u200bback',
  'a soft hyphen': 'https://projects\u00ad.example/callback',
  'a longer host': 'https://projects.example.evil.example/callback',
  'a host below': 'https://evil.projects.example/callback',
  'a host above': 'https://example/callback',
  'another scheme': 'http://projects.example/callback',
  'no scheme': '//projects.example/callback',
  'a path alone': '/callback',
  'one slash': 'https:/projects.example/callback',
  'no slash': 'https:projects.example/callback',
  'a leading space': ' https://projects.example/callback',
  'a trailing space': 'https://projects.example/callback ',
  'a tab within': 'https://projects.exa\tmple/callback',
  'a line break': 'https://projects.example/callback\r\nLocation: https://evil.example/',
  NUL: 'https://projects.example/callback\0',
  'NUL in the host': 'https://projects.example\0.evil.example/callback',
  'a wildcard': 'https://*.example/callback',
  'two of them': 'https://projects.example/callback https://evil.example/',
  script: 'javascript:alert(1)//projects.example/callback',
  data: 'data:text/html,x',
  'a native scheme': 'com.example.evil:/callback',
  'a loopback address': 'http://127.0.0.1/callback',
  oversized: `https://projects.example/callback?${'x'.repeat(10_000)}`,
};
