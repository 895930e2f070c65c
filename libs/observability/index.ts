export { loggerOptions } from './logger.js';
