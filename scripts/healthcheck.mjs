// Asked by the container's runtime: exit code 0 when this container's program answers that it lives.
const url = `http://127.0.0.1:${process.env.PORT ?? 3000}/health/live`;
const alive = await fetch(url, { signal: AbortSignal.timeout(2000) }).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(alive ? 0 : 1);
