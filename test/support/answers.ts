/** Where a redirect leads, absolute. */
export function destinationOf(response: Response): URL {
  const location = response.headers.get('location');
  if (location === null) throw new Error(`no redirect: ${response.status}`);
  return new URL(location, response.url);
}

/** The same, as a path of this server. */
export function pathTo(response: Response): string {
  const { pathname, search } = destinationOf(response);
  return pathname + search;
}

/** The parameters that a redirect carries; one that is there twice is refused. */
export function parametersOf(response: Response): Record<string, string> {
  const parameters: Record<string, string> = {};
  for (const [name, value] of destinationOf(response).searchParams) {
    if (name in parameters) throw new Error(`${name} is in the answer twice`);
    parameters[name] = value;
  }
  return parameters;
}

/** `text` with its last character but one replaced: of the same length and alphabet. */
export function altered(text: string): string {
  const at = text.length - 2;
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

/** Waits in real time until `look` finds something. */
export async function eventually<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  milliseconds = 30_000,
): Promise<T> {
  const end = Date.now() + milliseconds;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error(`${what} did not come within ${milliseconds} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
