/** What a person at the terminal reads; nothing else of the command line writes there. */
export const terminal = {
  say(text: string): void {
    process.stdout.write(`${text}\n`);
  },
  complain(text: string): void {
    process.stderr.write(`${text}\n`);
  },
  /** Waits until a pipe whose reader is slow has taken everything, which an exit would lose; or has no reader any more. */
  async written(): Promise<void> {
    const streams = [process.stdout, process.stderr];
    await Promise.all(
      streams.map((stream) => {
        return new Promise<void>((resolve) => {
          stream.once('error', () => resolve());
          stream.write('', () => resolve());
        });
      }),
    );
  },
  /** Replaces the line that shows how far something is, which only a person sees; empty takes it away. */
  progress(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[2K${text}`);
  },
};
