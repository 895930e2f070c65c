// Routes as an OpenAPI document.
import { STATUS_CODES } from 'node:http';
import { getMetadataStorage, ValidationTypes } from 'class-validator';
import { PROBLEM } from '../../dist/libs/platform/http/schema.js';

/**
 * @param routes as their controllers declare them
 * @param authority the document that says who may call what
 * @param isConditional whether a route answers 304
 */
export function openApi({ title, authority, routes, isConditional = () => false }) {
  const paths = {};
  const schemas = { Problem: PROBLEM.schema };
  for (const route of routes) {
    const contents = Object.values(route.refusals ?? {}).flatMap((content) => Object.values(content));
    for (const { name, schema } of [route.answer, route.takes, ...contents].filter(Boolean)) {
      schemas[name] = schema;
    }
    if (route.body) schemas[route.body.name] = schemaOf(route.body, { nullable: true });
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route, isConditional(route));
  }
  return JSON.stringify({
    openapi: '3.1.0',
    info: {
      title,
      version: '1',
      description: `Made from the code by \`npm run generate\`; do not edit. Answers may get more members: ignore those that you do not know. Who may call what: ${authority}.`,
    },
    paths,
    components: {
      schemas,
      securitySchemes: Object.fromEntries(
        Object.entries(SECURITY).filter(([name]) => routes.some((route) => name in securityOf(route))),
      ),
    },
  });
}

const SECURITY = {
  token: {
    type: 'http',
    scheme: 'bearer',
    description: 'An access token whose audience is the issuer, with the scope of the route (RFC 6750).',
  },
  client: {
    type: 'http',
    scheme: 'basic',
    description:
      'Id and secret of the client of a module, or its signed assertion in the body, as at the token endpoint (RFC 6749 §2.3.1, RFC 7523 §2.2). No scope is asked for: a client is told of its own module.',
  },
};

function securityOf({ scope }) {
  return scope === '' ? { client: [] } : { token: [scope] };
}

function operationOf({ name, path, summary, status, action, ...route }, conditional) {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const query = route.query ? schemaOf(route.query, { nullable: false }) : { properties: {}, required: [] };
  const inQuery = Object.entries(query.properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: query.required.includes(name),
    schema,
  }));
  const headers = [
    ...(route.ifMatch ? [header('If-Match', 'The ETag of the license as it was read, or `*`.')] : []),
    ...(route.idempotencyKey
      ? [header('Idempotency-Key', 'A new one for each license or use, 1 to 128 characters.')]
      : []),
  ];
  const success = {
    description: STATUS_CODES[status],
    ...(route.answer
      ? {
          content: {
            'application/json': { schema: reference(route.answer.name) },
            ...Object.fromEntries(
              (route.answers ?? []).map((type) => [type, { schema: { type: 'string' } }]),
            ),
          },
        }
      : {}),
  };
  const body = route.body ?? route.takes;
  return {
    operationId: name,
    summary,
    description: route.scope === '' ? 'For the client of a module.' : descriptionOf(action, route.recent),
    security: [
      securityOf(route),
      ...(route.scopeWithoutOrganization ? [securityOf({ scope: route.scopeWithoutOrganization })] : []),
    ],
    parameters: [...inPath, ...inQuery, ...headers],
    ...(body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: reference(body.name) } },
          },
        }
      : {}),
    responses: {
      [status]: success,
      ...(conditional ? { 304: { description: 'As If-None-Match has it' } } : {}),
      ...refusalsOf(route),
    },
  };
}

function descriptionOf(action = '', recent) {
  const who = action.includes(':') ? `Action \`${action}\`.` : 'For a person, by a token that they allowed.';
  return recent ? `${who} Of a person who signed in at most 15 minutes ago (RFC 9470).` : who;
}

function reference(name) {
  return { $ref: `#/components/schemas/${name}` };
}

function header(name, description) {
  return { name, in: 'header', required: true, description, schema: { type: 'string' } };
}

function refusalsOf({ refusals, ifMatch, idempotencyKey }) {
  const problem = { 'application/problem+json': PROBLEM };
  const statuses = [
    ...[400, 401, 403, 404, 409, 429],
    ...(ifMatch ? [412, 428] : []),
    ...(idempotencyKey ? [422] : []),
  ].sort();
  const told = refusals ?? {
    ...Object.fromEntries(statuses.map((status) => [status, problem])),
    default: problem,
  };
  return Object.fromEntries(
    Object.entries(told).map(([status, contents]) => [
      status,
      {
        description:
          STATUS_CODES[status] ?? 'Anything else, such as a body that is too large or of another type',
        content: Object.fromEntries(
          Object.entries(contents).map(([type, { name }]) => [type, { schema: reference(name) }]),
        ),
      },
    ]),
  );
}

/** The rules of a class as a JSON Schema. */
function schemaOf(type, { nullable }) {
  const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', false, false);
  const properties = {};
  const optional = new Set();
  const orNull = new Set();
  // class-validator gives the rules of a class in the order in which decorators run
  for (const rule of rules) {
    properties[rule.propertyName] ??= {};
    if (rule.name === 'isOptional') optional.add(rule.propertyName);
    // the one condition that bodies have: null is something that may be said
    else if (rule.type === ValidationTypes.CONDITIONAL_VALIDATION) orNull.add(rule.propertyName);
    else addRule(properties[rule.propertyName], rule);
  }
  for (const name of [...orNull, ...(nullable ? optional : [])]) {
    const schema = properties[name];
    if (schema.enum) schema.enum = [...schema.enum, null];
    else if (schema.type) schema.type = [schema.type, 'null'].flat();
  }
  const names = Object.keys(properties).sort();
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name, properties[name]])),
    required: names.filter((name) => !optional.has(name)),
    additionalProperties: false,
  };
}

function addRule(schema, { name, constraints = [], each }) {
  const [first] = constraints;
  const target = each ? (schema.items ??= {}) : schema;
  const rules = {
    isUuid: () => ({ type: 'string', format: 'uuid' }),
    isInt: () => ({ type: 'integer' }),
    min: () => ({ minimum: first }),
    max: () => ({ maximum: first }),
    isBoolean: () => ({ type: 'boolean' }),
    isObject: () => ({ type: 'object' }),
    isString: () => ({ type: 'string' }),
    maxLength: () => ({ type: 'string', maxLength: first }),
    matches: () => ({ type: 'string', pattern: first.source }),
    isIn: () => ({ enum: first }),
    isArray: () => ({ type: 'array' }),
    arrayMaxSize: () => ({ maxItems: first }),
    isDivisibleBy: () => ({ multipleOf: first }),
    isReason: () => ({ type: 'string', minLength: 1, maxLength: 500 }),
    isInstant: () => ({ type: 'string', format: 'date-time' }),
    isFeatureValue: () => ({ type: ['boolean', 'integer'], minimum: 0 }),
    isPlanFeatures: () => ({
      type: 'object',
      maxProperties: 100,
      additionalProperties: { type: ['boolean', 'integer', 'null'], minimum: 0 },
    }),
  };
  const known = rules[name];
  if (!known) throw new Error(`no JSON Schema is known for the rule ${name}`);
  Object.assign(target, known());
}
