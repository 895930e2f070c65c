/** A part of JSON Schema 2020-12. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly description?: string;
  readonly enum?: readonly (string | null)[];
  readonly minimum?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
}

/** What a route answers, as its reference tells it; toWire has made it. */
export interface Answer {
  /** Of the schema: `License`. */
  readonly name: string;
  readonly schema: Schema;
}

export const UUID: Schema = { type: 'string', format: 'uuid' };
export const INSTANT: Schema = { type: 'string', format: 'date-time' };

/** @param optional members that may be left out */
export function objectOf(
  properties: Readonly<Record<string, Schema>>,
  optional: Readonly<Record<string, Schema>> = {},
): Schema {
  return {
    type: 'object',
    properties: { ...properties, ...optional },
    required: Object.keys(properties),
  };
}

export function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

export function nullable(schema: Schema): Schema {
  return { ...schema, type: [schema.type ?? [], 'null'].flat() };
}
