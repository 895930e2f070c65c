import { IsInt, Max, Min } from 'class-validator';

/** A setting that is a whole number from `least` to `most`, or as great as it likes. */
export function WholeNumber(least: number, most?: number): PropertyDecorator {
  const range = { message: most === undefined ? `must be at least ${least}` : `must be ${least} to ${most}` };
  const rules = [IsInt({ message: 'must be a whole number' }), Min(least, range)];
  if (most !== undefined) rules.push(Max(most, range));
  return (target, name) => rules.forEach((rule) => rule(target, name));
}
