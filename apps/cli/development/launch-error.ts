/** Something that the person at the terminal can mend; its message is the whole answer, without a stack trace. */
export class LaunchError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LaunchError';
  }
}

/** The operating system's reason, in words. */
export function systemReason(error: unknown): string {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  const words: Record<string, string> = {
    EACCES: 'permission denied',
    EPERM: 'not permitted',
    EROFS: 'the file system is read-only',
    ENOSPC: 'no space is left',
    ENOTDIR: 'part of the path is not a folder',
    EEXIST: 'a file of that name is there',
    ENOENT: 'it cannot be created there',
    ECONNREFUSED: 'nothing answers there',
    ENOTFOUND: 'the host is unknown',
    EAI_AGAIN: 'the host cannot be looked up',
    ETIMEDOUT: 'no answer in time',
    ECONNRESET: 'the connection was closed',
  };
  if (code && words[code]) return words[code];
  return error instanceof Error && error.message ? error.message : (code ?? String(error));
}
