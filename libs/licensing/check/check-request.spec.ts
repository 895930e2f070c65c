import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PublicError } from '#platform';
import { parseCheckRequest } from './check-request.js';

const ORGANIZATION = '0190a000-0000-7000-8000-0000000000a1';
const PERSON = '0190a000-0000-7000-8000-0000000000b1';

/** The status and the sentence of a refusal. */
function refusal(body: unknown): [status: number, sentence: string] | undefined {
  try {
    parseCheckRequest(body, 'reports');
    return undefined;
  } catch (error) {
    if (error instanceof PublicError) return [error.status, error.publicMessage];
    throw error;
  }
}
const question = (changes: object = {}) => ({ organization_id: ORGANIZATION, ...changes });

describe('the body of a license check', () => {
  it('a question that says no more than its organization is about the own module, in production, by a machine', () => {
    expect(parseCheckRequest(question(), 'reports')).toEqual({
      single: true,
      questions: [
        { organizationId: ORGANIZATION, userId: null, module: 'reports', environment: 'production' },
      ],
    });
  });

  it('every member is read, ids in the letters that the database has', () => {
    const whole = question({
      organization_id: ORGANIZATION.toUpperCase(),
      user_id: PERSON.toUpperCase(),
      module: 'reports',
      environment: 'staging',
      feature: 'export',
      amount: 0,
      current: Number.MAX_SAFE_INTEGER,
    });
    expect(parseCheckRequest({ questions: [whole, question({ organization_id: null })] }, 'reports')).toEqual(
      {
        single: false,
        questions: [
          {
            organizationId: ORGANIZATION,
            userId: PERSON,
            module: 'reports',
            environment: 'staging',
            feature: 'export',
            amount: 0,
            current: Number.MAX_SAFE_INTEGER,
          },
          { organizationId: null, userId: null, module: 'reports', environment: 'production' },
        ],
      },
    );
  });

  const anything = [7, -1, 0.5, true, '', 'x\0', '\ud800', [], [ORGANIZATION], {}, { x: 1 }, 'x'.repeat(64)];
  const bad: Record<string, unknown[]> = {
    organization_id: [...anything, 'acme', ` ${ORGANIZATION}`, `${ORGANIZATION}'`],
    user_id: [...anything, 'max', `${PERSON}\n`],
    module: [...anything, null, 'Reports', '__proto__'],
    environment: [...anything, null],
    feature: [...anything, null, 'EXPORT', 'a b', '__proto__'],
    amount: [-1, 0.5, 2 ** 53, 2 ** 53 + 1, 1e300, Infinity, NaN, '1', '', true, null, [], [1], {}],
    current: [-1, 0.5, 2 ** 53, 2 ** 53 + 1, 1e300, -Infinity, NaN, '1', '', false, null, [], [1], {}],
  };
  it.each(Object.keys(bad))('what is wrong with %s is said with its place, alone and in a list', (name) => {
    for (const value of bad[name] ?? []) {
      expect(refusal(question({ [name]: value }))).toEqual([
        400,
        expect.stringMatching(new RegExp(`^${name} must be .*\\.$`)),
      ]);
      const questions = [question(), question(), question(), question({ [name]: value })];
      expect(refusal({ questions })).toEqual([
        400,
        expect.stringMatching(new RegExp(`^questions\\[3\\]\\.${name} must be .*\\.$`)),
      ]);
    }
  });

  it('an organization is named, or said to be none: it is never guessed', () => {
    expect(refusal({})).toEqual([400, 'organization_id is missing.']);
    expect(refusal({ questions: [{}] })).toEqual([400, 'questions[0].organization_id is missing.']);
    expect(refusal(question({ organization_id: null }))).toBeUndefined();
  });

  it('a list has 1 to 100 questions', () => {
    const list = (length: number) => ({ questions: Array.from({ length }, () => question()) });
    expect(refusal(list(1))).toBeUndefined();
    expect(refusal(list(100))).toBeUndefined();
    for (const body of [list(0), list(101), { questions: null }, { questions: {} }, { questions: 'x' }]) {
      expect(refusal(body)).toEqual([400, 'questions must be a list of 1 to 100 questions.']);
    }
  });

  it('what is no object is refused with its place', () => {
    for (const body of [null, undefined, 7, 'x', true, [], [question()]]) {
      expect(refusal(body)).toEqual([400, 'The body must be a JSON object.']);
      expect(refusal({ questions: [question(), body] })).toEqual([
        400,
        'questions[1] must be a JSON object.',
      ]);
    }
  });

  it('a misspelled member is refused rather than ignored, and a name that could be none is not repeated', () => {
    expect(refusal(question({ amout: 5 }))).toEqual([400, 'amout is not a member of a question.']);
    expect(refusal({ questions: [question({ toString: 5 })] })).toEqual([
      400,
      'questions[0].toString is not a member of a question.',
    ]);
    expect(refusal({ questions: [question()], feature: 'export' })).toEqual([
      400,
      'feature is not a member of a question.',
    ]);
    expect(refusal(question({ '<script>': 5 }))).toEqual([
      400,
      'The body has a member that is not one of a question.',
    ]);
    expect(refusal({ questions: [question({ 'a\0': 5 })] })).toEqual([
      400,
      'questions[0] has a member that is not one of a question.',
    ]);
  });

  it('another module is refused, wherever in a list it comes', () => {
    expect(refusal(question({ module: 'projects' }))).toEqual([403, expect.any(String)]);
    const questions = [question(), question({ module: 'reports' }), question({ module: 'projects' })];
    expect(refusal({ questions })).toEqual([403, expect.any(String)]);
  });

  it('whatever is sent is read or refused, and what is read is what decide takes', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.jsonValue().map((questions) => ({ questions })),
        ),
        (body) => {
          const refused = refusal(body);
          if (refused) expect([400, 403]).toContain(refused[0]);
          else expect(parseCheckRequest(body, 'reports').questions.length).toBeGreaterThan(0);
        },
      ),
    );
  });
});
