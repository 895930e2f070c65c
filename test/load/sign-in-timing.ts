import type { CoreAuthTarget } from './core-auth-target.js';
import { median } from './driver.js';
import { HttpConnection } from './http-connection.js';
import { mannWhitney } from './mann-whitney.js';
import { round } from './measure.js';
import { nobodyOf, openForm, personOf, submit } from './sign-in-form.js';

/** Times in milliseconds. */
export interface TimingFigures {
  readonly tries: number;
  readonly knownP50: number;
  readonly unknownP50: number;
  /** Of Mann and Whitney, two-sided. */
  readonly p: number;
  /** How often a try at a known account took longer than one at an unknown one; 0.5 when nothing differs. */
  readonly share: number;
  readonly toldApart: boolean;
}

/** Tries whose times are compared, half of them at accounts that there are. */
export const TRIES = 400;
/** A difference that chance makes as seldom as this counts as one. */
export const ALPHA = 0.01;
/** Of accounts that there are, and as many that there are not. */
export const ADDRESSES = 20;
const WARM_UP_TRIES = 40;

/** Whether the time of a refusal tells who has an account. */
export async function compareTimes(target: CoreAuthTarget): Promise<TimingFigures> {
  const connection = await HttpConnection.open(target.port);
  try {
    const form = await openForm(connection);
    const took = async (email: string) => {
      const request = submit(form, email, 'a wrong password');
      const begun = performance.now();
      const { status } = await connection.send(request);
      const time = performance.now() - begun;
      if (status !== 401) throw new Error(`a wrong password was answered ${status}`);
      return time;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let number = -WARM_UP_TRIES; number < TRIES; number += 2) {
      const [person, nobody] = [personOf, nobodyOf].map((of) => of(Math.abs(number / 2) % ADDRESSES)) as [
        string,
        string,
      ];
      // each of the two is the first as often as the other
      const order = number % 4 === 0 ? [person, nobody] : [nobody, person];
      for (const email of order) {
        const time = await took(email);
        if (number >= 0) (email === person ? known : unknown).push(time);
      }
    }
    const { p, share } = mannWhitney(known, unknown);
    return {
      tries: known.length + unknown.length,
      knownP50: round(median(known), 2),
      unknownP50: round(median(unknown), 2),
      ...{ p, share, toldApart: p < ALPHA },
    };
  } finally {
    connection.close();
  }
}
