import { NotFoundException } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { toProblem } from './problems.js';

describe('what an error is to whoever asked', () => {
  it.each([
    [400, 'Bad request', 'BAD_REQUEST'],
    [404, 'Not found', 'NOT_FOUND'],
    [414, 'URI too long', 'URI_TOO_LONG'],
    [415, 'Unsupported media type', 'UNSUPPORTED_MEDIA_TYPE'],
  ])('%i has the heading "%s", written as other headings are, and the code %s', (statusCode, title, code) => {
    expect(toProblem({ statusCode })).toMatchObject({ title, code });
  });

  it('shows nothing of the inside', () => {
    expect(toProblem(new Error('secret'))).toMatchObject({ title: 'Internal server error' });
    expect(toProblem(new NotFoundException('Cannot GET /x')).detail).toBe(
      'There is nothing at this address.',
    );
  });
});
