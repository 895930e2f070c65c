import { Injectable } from '@nestjs/common';

/** The one source of time; tests inject another. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}

/** `at` moved by `seconds`, as an instant. */
export function addSeconds(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * 1000);
}

/** Whole seconds since the epoch: NumericDate of RFC 7519 §2. */
export function numericDate(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
