import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '#platform';
import type { ChecklistItem } from './checklist.js';
import type { ControlContext } from './control-context.js';
import { seconds, unknown, type Control } from './control.js';
import type { Finding, Result } from './report.js';

const CONCURRENCY = 3;
/** Milliseconds between the starts of two controls. */
const SPACING = 25;
/** Requests of one control that may listen for its end. */
const MOST_LISTENERS = 100;
/**
 * What is not green is looked at again sooner than its interval says, so that whoever mends it sees it: after this
 * long, or its time-out if that is longer, then after twice as long each time.
 */
const SOONEST_RETRY = seconds(15);
/** Milliseconds that controls get to tidy up at the end. */
const FAREWELL = 2_000;

/** Runs each control in the background at its interval, a few at a time, each with its time-out. */
export class ControlRunner {
  private readonly latest = new Map<string, Result>();
  private readonly due = new Map<Control, number>();
  /** How often in a row a control has not been green. */
  private readonly retries = new Map<Control, number>();
  private readonly running = new Map<Control, AbortController>();
  /** Outlives a time-out: a control that was given up may still be tidying up. */
  private readonly underWay = new Set<Promise<Finding>>();
  private readonly order: readonly Control[];
  private timer: NodeJS.Timeout | undefined;
  private waiting: (() => void)[] = [];

  constructor(
    items: readonly ChecklistItem[],
    private readonly controls: readonly Control[],
    private readonly context: () => ControlContext,
    private readonly clock: Clock,
  ) {
    assertEachIsOneItem(items, controls);
    this.order = [...controls].sort((a, b) => a.timeout - b.timeout);
  }

  get results(): ReadonlyMap<string, Result> {
    return this.latest;
  }

  get started(): boolean {
    return this.timer !== undefined;
  }

  covers(id: string): boolean {
    return this.controls.some((control) => control.id === id);
  }

  start(): void {
    if (this.timer) return;
    this.timer = setInterval(() => this.startNext(), SPACING);
    this.timer.unref();
  }

  /** Starts nothing more, and waits a moment for what is under way to tidy up. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    for (const abort of this.running.values()) abort.abort(new Error('the process is stopping'));
    this.release();
    await Promise.race([Promise.allSettled(this.underWay), sleep(FAREWELL, undefined, { ref: false })]);
  }

  /** Resolves once every control has a first result, and after `patience` milliseconds at the latest. */
  async firstResults(patience: number): Promise<void> {
    if (this.complete()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, patience);
      this.waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Runs one control now, whatever its interval says. */
  async run(control: Control): Promise<Result> {
    const abort = new AbortController();
    setMaxListeners(MOST_LISTENERS, abort.signal);
    this.running.set(control, abort);
    const finding = await this.verify(control, abort);
    const observedAt = this.clock.now();
    const expiresAt = new Date(observedAt.getTime() + 2 * control.interval + control.timeout);
    const result = { id: control.id, kind: control.kind, finding, observedAt, expiresAt };
    this.latest.set(control.id, result);
    this.running.delete(control);
    this.due.set(control, performance.now() + this.waitAfter(finding, control));
    if (this.complete()) this.release();
    return result;
  }

  private waitAfter({ state }: Finding, control: Control): number {
    const again =
      state === 'verified' || state === 'not-applicable' ? 0 : (this.retries.get(control) ?? 0) + 1;
    this.retries.set(control, again);
    if (again === 0) return control.interval;
    return Math.min(Math.max(control.timeout, SOONEST_RETRY) * 2 ** (again - 1), control.interval);
  }

  private startNext(): void {
    if (this.running.size >= CONCURRENCY) return;
    const now = performance.now();
    const next = this.order.find(
      (control) => !this.running.has(control) && now >= (this.due.get(control) ?? 0),
    );
    if (next) void this.run(next);
  }

  private async verify(control: Control, abort: AbortController): Promise<Finding> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<Finding>((resolve) => {
      const giveUp = () =>
        resolve(unknown('no answer', `an answer of this control within its ${control.timeout} ms`));
      abort.signal.addEventListener('abort', giveUp, { once: true });
      timer = setTimeout(() => abort.abort(new Error('time-out')), control.timeout);
    });
    try {
      const work = control.verify(this.context(), abort.signal);
      this.underWay.add(work);
      const forget = () => void this.underWay.delete(work);
      work.then(forget, forget);
      return await Promise.race([work, late]);
    } catch (error) {
      return unknown(`the control ended with: ${briefly(error)}`, 'a control that could be carried out');
    } finally {
      clearTimeout(timer);
    }
  }

  private complete(): boolean {
    return this.controls.every((control) => this.latest.has(control.id));
  }

  private release(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

function assertEachIsOneItem(items: readonly ChecklistItem[], controls: readonly Control[]): void {
  const known = new Map(items.map((item) => [item.id, item]));
  const seen = new Set<string>();
  for (const { id, kind } of controls) {
    const item = known.get(id);
    if (!item) throw new Error(`control "${id}" is no item of the checklist`);
    if (!item.kinds.includes(kind)) throw new Error(`control "${id}": the item is not verified by ${kind}`);
    if (seen.has(id)) throw new Error(`two controls for "${id}"`);
    seen.add(id);
  }
}

/** The first line of an error, without what could be a secret: connection strings. */
export function briefly(error: unknown): string {
  const text = error instanceof AggregateError ? String(error.errors[0]) : String(error);
  return (text.split('\n')[0] ?? '').replace(/\b[a-z]+:\/\/\S+@/gi, '***@').slice(0, 200);
}
