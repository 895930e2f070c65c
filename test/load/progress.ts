const WIDTH = 30;

/** Says how far a run is: a bar on a terminal, a line for each step elsewhere. */
export class Progress {
  private done = 0;

  constructor(
    private readonly steps: number,
    private readonly stream: NodeJS.WriteStream = process.stderr,
  ) {}

  /** What is being done now. */
  show(what: string): void {
    if (this.stream.isTTY) this.draw(what);
    else this.stream.write(`[${this.done}/${this.steps}] ${what}\n`);
  }

  /** As `show`, of what changes many times a second: on a terminal alone. */
  flicker(what: string): void {
    if (this.stream.isTTY) this.draw(what);
  }

  step(): void {
    this.done += 1;
  }

  end(): void {
    if (this.stream.isTTY) this.stream.write('\r\u001b[K');
  }

  private draw(what: string): void {
    const full = Math.round((WIDTH * this.done) / this.steps);
    this.stream.write(`\r\u001b[K${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${what}`);
  }
}
