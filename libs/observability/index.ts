export { loggerOptions } from './logger.js';
export { logRequest } from './request-log.js';
