const SECRET_FIELDS = [
  'access_token',
  'refresh_token',
  'id_token',
  'id_token_hint',
  'logout_token',
  'client_secret',
  'code',
  'code_verifier',
  'password',
  'secret',
  'token',
  'authorization',
  'cookie',
];

/** Paths that pino replaces before a line is written, at the top, one level and two levels down. */
export const REDACTED_PATHS = [
  'req.headers.authorization',
  'req.headers.cookie',
  'res.headers["set-cookie"]',
  ...SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
];
