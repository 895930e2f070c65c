/** What a person at the terminal reads; nothing else of the command line writes there. */
export const terminal = {
  say(text: string): void {
    process.stdout.write(`${text}\n`);
  },
  complain(text: string): void {
    process.stderr.write(`${text}\n`);
  },
};
