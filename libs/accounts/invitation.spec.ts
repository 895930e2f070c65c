import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { invitedLines } from './invitation.js';

describe('a pasted list of addresses', () => {
  it('is read however it is separated, each address once', () => {
    expect(invitedLines(' A@x.example,b@x.example;\r\n a@X.example  nobody')).toEqual([
      { text: 'A@x.example', email: 'a@x.example', problem: undefined },
      { text: 'b@x.example', email: 'b@x.example', problem: undefined },
      { text: 'a@X.example', email: undefined, problem: 'The address is there twice.' },
      {
        text: 'nobody',
        email: undefined,
        problem: 'This is not an e-mail address. It has the form name@example.com.',
      },
    ]);
    expect(invitedLines(' \n;, ')).toEqual([]);
  });

  it('keeps plus-addresses apart, and takes no control characters into an address', () => {
    expect(invitedLines('a+b@x.example a@x.example').map(({ email }) => email)).toEqual([
      'a+b@x.example',
      'a@x.example',
    ]);
    expect(invitedLines('a\0b@x.example')[0]?.problem).toBe(
      'This is not an e-mail address. It has the form name@example.com.',
    );
    expect(invitedLines('оwner@x.example')[0]?.problem).toContain('mixes letters of several alphabets');
  });

  it('never gives an address twice, whatever was typed', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('a@x.example', 'A@x.example', 'b@x.example', 'x', ' ', ',')),
        (parts) => {
          const emails = invitedLines(parts.join(' ')).flatMap(({ email }) => email ?? []);
          expect(new Set(emails).size).toBe(emails.length);
        },
      ),
    );
  });
});
