import type { ValidationError, ValidationPipe } from '@nestjs/common';
import { PublicError } from '#platform';
import { FormValidation } from './form-validation.js';

/** Unknown parameters are dropped (RFC 6749 §3.2); what is wrong is answered in one sentence per field. */
export function validation(): ValidationPipe {
  return new FormValidation({
    transform: true,
    whitelist: true,
    exceptionFactory: (errors: ValidationError[]) =>
      new PublicError(
        400,
        'invalid_request',
        errors.flatMap(sentences).join(' ') || 'The request is malformed.',
      ),
  });
}

function sentences(error: ValidationError): string[] {
  // decorators run from the last to the first, which says what kind of thing is wanted
  const first = Object.values(error.constraints ?? {}).at(-1);
  return [
    ...(first ? [first.endsWith('.') ? first : `${first}.`] : []),
    ...(error.children ?? []).flatMap(sentences),
  ];
}
