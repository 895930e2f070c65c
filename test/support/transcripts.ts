import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a reader is asked to type, and the answer that the document shows. */
export interface Transcript {
  /** The heading that it stands under. */
  readonly heading: string;
  /** Of its first command, in the document. */
  readonly line: number;
  readonly commands: string;
  readonly shown: { readonly language: string; readonly text: string } | undefined;
}

const FENCE = /^```(\w*)\n([\s\S]*?)^```$/gm;
/** Fenced blocks that show an answer when they follow commands. */
const ANSWERS = new Set(['http', 'json', 'text']);

/** The `bash` blocks of a document in their order, each with the answer that follows before the next one. */
export function transcriptsIn(markdown: string): Transcript[] {
  const blocks = [...markdown.matchAll(FENCE)].map((match) => {
    const [, language = '', text = ''] = match;
    const before = markdown.slice(0, match.index);
    const heading = [...before.matchAll(/^#{2,3} (.+)$/gm)].at(-1)?.[1] ?? '';
    return { language, text, heading, line: before.split('\n').length + 1 };
  });
  return blocks.flatMap(({ language, text, heading, line }, index) => {
    if (language !== 'bash') return [];
    const next = blocks[index + 1];
    const shown =
      next && ANSWERS.has(next.language) ? { language: next.language, text: next.text } : undefined;
    return [{ heading, line, commands: text, shown }];
  });
}

/** One bash for a whole document: what an earlier command has set, a later one finds. */
export class Shell {
  private readonly bash: ChildProcess;
  private count = 0;
  private said = '';

  /** @param scratch a folder for its own files */
  constructor(
    private readonly scratch: string,
    options: { readonly cwd: string; readonly env: NodeJS.ProcessEnv },
  ) {
    // -u: a name that nothing has set ends the shell, as a mistake in the document
    this.bash = spawn('bash', ['-u'], { ...options, stdio: ['pipe', 'pipe', 'ignore'], detached: true });
    this.bash.stdout?.setEncoding('utf8').on('data', (text: string) => (this.said += text));
  }

  /** @returns everything that the commands wrote, errors included */
  async run(commands: string): Promise<string> {
    if (this.bash.exitCode !== null) throw new Error('the shell has ended');
    const file = join(this.scratch, `transcript-${(this.count += 1)}`);
    const end = `end of ${this.count}\n`;
    writeFileSync(file, commands);
    writeFileSync(`${file}.out`, '');
    this.bash.stdin?.write(`. ${file} >${file}.out 2>&1 </dev/null\necho ${end}`);
    while (!this.said.includes(end) && this.bash.exitCode === null) await sleep(10);
    return readFileSync(`${file}.out`, 'utf8');
  }

  /** Ends it, and whatever a command has left running. */
  stop(): void {
    if (this.bash.pid !== undefined && this.bash.exitCode === null) process.kill(-this.bash.pid, 'SIGKILL');
  }
}

/** How what came differs from what the document shows; nothing when it does not. */
export function differences({ language, text }: { language: string; text: string }, came: string): string[] {
  if (language === 'http') return httpDifferences(messagesOf(text), messagesOf(came));
  if (language === 'json') return jsonDifferences('the answer', readShown(text), readCame(came));
  return matches(text.trim(), came.trim()) ? [] : [`expected ${text.trim()}, came ${came.trim()}`];
}

interface Message {
  readonly status: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

function messagesOf(text: string): Message[] {
  return text
    .replaceAll('\r\n', '\n')
    .split(/^(?=HTTP\/1\.1 )/m)
    .filter((part) => part.trim() !== '')
    .map((part) => {
      const [head = '', ...body] = part.split('\n\n');
      const [status = '', ...lines] = head.trim().split('\n');
      const headers = lines.map((line) => {
        const [name = '', ...value] = line.split(': ');
        return [name.toLowerCase(), value.join(': ')] as const;
      });
      return { status, headers: new Map(headers), body: body.join('\n\n').trim() };
    });
}

/** Of the headers and the body only what is shown has to come; a JSON body has the shown members and no others. */
function httpDifferences(shown: readonly Message[], came: readonly Message[]): string[] {
  if (shown.length !== came.length) {
    return [
      `expected ${shown.length} answers, came ${came.map(({ status }) => status).join(', ') || 'none'}`,
    ];
  }
  return shown.flatMap((message, index) => {
    const other = came[index];
    if (!other) return [];
    if (message.status !== other.status) {
      return [`expected ${message.status}, came ${other.status} ${other.body}`];
    }
    return [
      ...[...message.headers].flatMap(([name, value]) => {
        const found = other.headers.get(name);
        return found !== undefined && matches(value, found)
          ? []
          : [`expected ${name}: ${value}, came ${found ?? 'none'}`];
      }),
      ...(message.body === ''
        ? []
        : jsonDifferences('the body', readShown(message.body), readCame(other.body))),
    ];
  });
}

/** What stands for a value that is no text, or for members that are not shown. */
const OMITTED = '\u0000omitted';

/** JSON as a document shows it: `…` in a text is any text, alone any other value, and as a line any further members. */
function readShown(text: string): unknown {
  const whole = text
    .replace(/^\s*…$/gm, '"…": "…"')
    .replace(/"(?:[^"\\]|\\.)*"|…/g, (found) => (found === '…' ? JSON.stringify(OMITTED) : found));
  return JSON.parse(whole);
}

function readCame(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function jsonDifferences(place: string, shown: unknown, came: unknown): string[] {
  if (shown === OMITTED)
    return came === undefined || typeof came === 'string' ? [differs(place, '…', came)] : [];
  if (typeof shown === 'string') {
    return typeof came === 'string' && matches(shown, came) ? [] : [differs(place, shown, came)];
  }
  if (Array.isArray(shown)) {
    if (!Array.isArray(came)) return [differs(place, shown, came)];
    if (shown.length === 1 && shown[0] === OMITTED) return [];
    if (shown.length !== came.length) return [differs(place, shown, came)];
    return shown.flatMap((value, index) => jsonDifferences(`${place}[${index}]`, value, came[index]));
  }
  if (!isObject(shown)) return shown === came ? [] : [differs(place, shown, came)];
  if (!isObject(came)) return [differs(place, shown, came)];
  const names = Object.keys(shown).filter((name) => name !== '…');
  const more = Object.keys(came).filter((name) => !names.includes(name));
  return [
    ...names.flatMap((name) => jsonDifferences(`${place}.${name}`, shown[name], came[name])),
    ...(shown['…'] === undefined ? more.map((name) => `${place}.${name} is not shown`) : []),
  ];
}

function differs(place: string, shown: unknown, came: unknown): string {
  return `${place}: expected ${JSON.stringify(shown)}, came ${JSON.stringify(came)}`;
}

/** Text in which `…` stands for any text that is not empty. */
function matches(shown: string, came: string): boolean {
  const pattern = shown.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(`^${pattern.join('[\\s\\S]+?')}$`).test(came);
}
