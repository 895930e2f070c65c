export { loggerOptions } from './logger.js';
export { REDACTED_PATHS } from './redaction.js';
