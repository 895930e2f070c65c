/** Puts a fault into a running part of the server while `work` runs. */
export async function faulty<T extends object, K extends keyof T>(
  part: T,
  method: K,
  fault: T[K],
  work: () => Promise<void>,
): Promise<void> {
  const own = Object.getOwnPropertyDescriptor(part, method);
  part[method] = fault;
  try {
    await work();
  } finally {
    if (own) Object.defineProperty(part, method, own);
    else delete part[method];
  }
}
