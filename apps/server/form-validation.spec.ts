import { ValidationPipe, type Type } from '@nestjs/common';
import { describe, expect, it } from '@jest/globals';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString, Matches, MaxLength } from 'class-validator';
import fc from 'fast-check';
import { FormValidation } from './form-validation.js';

class Form {
  @IsString({ message: 'name must be sent exactly once.' })
  @MaxLength(5, { message: 'name is too long.' })
  name!: string;

  @IsOptional()
  @Matches(/^[a-z]+$/, { message: 'word must be letters.' })
  word?: string;

  @IsOptional()
  @IsIn(['a', 'b'])
  choice?: string;

  @IsOptional()
  @IsString({ each: true })
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? [value] : value))
  list?: string[];

  @IsOptional()
  @Transform(({ value }: { value: unknown }) => String(value).trim())
  trimmed?: string;
}

class WithoutRules {
  name?: string;
}

const OPTIONS = { transform: true, whitelist: true } as const;

describe('the short way of validation', () => {
  const outcome = async (pipe: ValidationPipe, value: unknown, metatype: Type = Form) => {
    // a pipe may change what it is given
    const copy: unknown = Object.assign(Object.create(null) as object, structuredClone(value));
    try {
      return { accepted: await pipe.transform(copy, { type: 'body', metatype }) };
    } catch (error) {
      return { refused: (error as { getResponse(): unknown }).getResponse() };
    }
  };
  const text = fc.oneof(fc.constantFrom('a', 'b', 'abc', ' x ', '', 'toolong'), fc.string());
  const field = fc.oneof(text, fc.array(text, { maxLength: 3 }));
  const names = [
    'name',
    'word',
    'choice',
    'list',
    'trimmed',
    'unknown',
    'constructor',
    'toString',
    '__proto__',
  ];

  it('gives and refuses what the pipe does, in the same words, whatever the form holds', async () => {
    const [short, long] = [new FormValidation(OPTIONS), new ValidationPipe(OPTIONS)];
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.constantFrom(...names), field), async (form) => {
        expect(await outcome(short, form)).toEqual(await outcome(long, form));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['a form', { name: 'abc', word: 'xyz', unknown: '1' }],
    ['one with a list', { name: 'abc', list: 'one' }],
    ['one that is trimmed', { name: 'abc', trimmed: ' x ' }],
    ['a missing parameter', { word: 'xyz' }],
    ['two wrong parameters', { name: 'toolong', word: '1' }],
    ['a repeated parameter', { name: ['a', 'b'] }],
  ])('%s: as the pipe', async (_, form) => {
    expect(await outcome(new FormValidation(OPTIONS), form)).toEqual(
      await outcome(new ValidationPipe(OPTIONS), form),
    );
  });

  it('makes an instance of the class, without what it does not know', async () => {
    const { accepted } = await outcome(new FormValidation(OPTIONS), { name: 'abc', unknown: '1' });
    expect(accepted).toBeInstanceOf(Form);
    expect(accepted).toEqual({ name: 'abc' });
  });

  it('a class without rules is left to the pipe', async () => {
    const value = { name: 'abc' };
    expect(await outcome(new FormValidation(OPTIONS), value, WithoutRules)).toEqual(
      await outcome(new ValidationPipe(OPTIONS), value, WithoutRules),
    );
  });
});
