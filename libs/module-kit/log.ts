/** Where the kit says what whoever runs the module should know; Nest's `Logger` is one. */
export interface KitLog {
  log(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
}

/** A log for one part of the kit, which its lines name. */
export type KitLogs = (part: string) => KitLog;

/** Lines on standard error, for a process without a logger of its own. */
export const standardError: KitLogs = (part) => {
  const write = (level: string, message: string): void => {
    process.stderr.write(`${level} ${part}: ${message}\n`);
  };
  return {
    log: (message) => write('info', message),
    warn: (message) => write('warn', message),
    error: (message, stack) => write('error', stack ?? message),
  };
};
