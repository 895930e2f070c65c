import { expect } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './built-process.js';
import type { Answer } from './world.js';

type Json = Record<string, unknown>;

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, Json> }>>;
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const text = { type: 'string', minLength: 1 };
const mapOf = (values: Json, names: Json = {}) => ({
  type: 'object',
  propertyNames: names,
  additionalProperties: values,
});
const closed = (properties: Record<string, Json>, ...optional: string[]) => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  additionalProperties: false,
});
const schema = { $ref: 'https://json-schema.org/draft/2020-12/schema' };
const content = { ...mapOf(closed({ schema }), { pattern: '^[a-z]+/[a-z+.-]+$' }), minProperties: 1 };

/** What our references use of OpenAPI 3.1 (§4.8), and no more: a misspelled member is none of it. */
const OPEN_API = closed({
  openapi: { const: '3.1.0' },
  info: closed({ title: text, version: text, description: text }),
  paths: mapOf(
    mapOf(
      closed(
        {
          operationId: text,
          summary: text,
          description: text,
          security: { type: 'array', items: mapOf({ type: 'array', items: text }), minItems: 1 },
          parameters: {
            type: 'array',
            items: closed(
              {
                name: text,
                in: { enum: ['path', 'query', 'header'] },
                required: { type: 'boolean' },
                schema,
                description: text,
              },
              'description',
            ),
          },
          requestBody: closed({ required: { const: true }, content }),
          responses: {
            ...mapOf(closed({ description: text, content }, 'content'), {
              pattern: '^([1-5]\\d\\d|default)$',
            }),
            minProperties: 1,
          },
        },
        'requestBody',
      ),
      { enum: METHODS },
    ),
    { pattern: '^/' },
  ),
  components: closed({
    schemas: mapOf(schema, { pattern: '^[A-Za-z0-9._-]+$' }),
    securitySchemes: mapOf(
      closed({ type: { const: 'http' }, scheme: { enum: ['basic', 'bearer'] }, description: text }),
    ),
  }),
});

/** An OpenAPI document of docs/reference, against which answers are held. */
export class ApiReference {
  private readonly text: string;
  private readonly ajv = newValidator();
  private readonly seen = new Set<string>();
  /** By method and path, as `GET /v1/licenses/{id}`. */
  private readonly operations: ReadonlyMap<string, Operation>;

  constructor(private readonly file: string) {
    this.text = readFileSync(join(REPOSITORY, 'docs/reference', file), 'utf8');
    // an answer has no member beside those that the reference names
    const reference = JSON.parse(this.text, (_, value: unknown) => {
      const given = value as Json | null;
      const isObject = given?.['type']?.toString().includes('object') === true && 'properties' in given;
      return isObject ? { additionalProperties: false, ...given } : value;
    }) as { paths: Record<string, Record<string, Operation>> };
    this.ajv.addSchema(reference, file);
    this.operations = new Map(
      Object.entries(reference.paths).flatMap(([path, methods]) =>
        Object.entries(methods).map(
          ([method, operation]) => [`${method.toUpperCase()} ${path}`, operation] as const,
        ),
      ),
    );
  }

  /** Holds the document against the specification, and its routes against those that are served. */
  expectToTellOf(routes: readonly string[]): void {
    const document = JSON.parse(this.text) as { components: { schemas: Json } };
    const validate = newValidator().compile(OPEN_API);
    validate(document);
    expect(validate.errors).toBeNull();
    expect([...this.operations.keys()].toSorted()).toEqual(routes.toSorted());
    const operations = [...this.operations];
    expect(new Set(operations.map(([, { operationId }]) => operationId)).size).toBe(operations.length);
    for (const [route, { parameters }] of operations) {
      const named = parameters.filter((one) => one.in === 'path').map(({ name }) => `{${name}}`);
      expect([route, route.match(/\{\w+\}/g) ?? []]).toEqual([route, named]);
    }
    const known = Object.keys(document.components.schemas);
    const told = [...this.text.matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name = '']) => name);
    expect([...new Set(told)].toSorted()).toEqual(known.toSorted());
  }

  /** The address of an operation, with what its parameters stand for. */
  addressOf(
    operation: string,
    parameters: Readonly<Record<string, string>>,
  ): { method: string; path: string } {
    const [method = '', template = ''] = operation.split(' ');
    return { method, path: template.replaceAll(/\{(\w+)\}/g, (_, name: string) => parameters[name] ?? '') };
  }

  /** Holds an answer against what the reference says of its status. */
  expectToTell(operation: string, { status, headers, body }: Answer): void {
    const told = this.operations.get(operation)?.responses[status];
    expect({ operation, status, told: told !== undefined, body }).toMatchObject({ told: true });
    const [type = ''] = (headers.get('content-type') ?? '').split(';');
    if (told?.content === undefined) expect({ operation, type }).toEqual({ operation, type: '' });
    else {
      const answered = told.content[type]?.['schema'] as { $ref: string } | undefined;
      expect({ operation, type, answered }).toMatchObject({ answered: { $ref: expect.any(String) } });
      const validate = this.ajv.compile({ $ref: `${this.file}${answered?.$ref ?? ''}` });
      validate(body);
      expect({ operation, errors: validate.errors, body }).toMatchObject({ errors: null });
    }
    if (status < 300) this.seen.add(operation);
  }

  /** Those of which no success was held against the reference. */
  unseen(): string[] {
    return [...this.operations.keys()].filter((operation) => !this.seen.has(operation));
  }
}

function newValidator(): Ajv2020 {
  return new Ajv2020({
    strict: false,
    formats: {
      uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      date: /^\d{4}-\d{2}-\d{2}$/,
      'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/,
    },
  });
}
