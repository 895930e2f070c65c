import { register } from 'node:module';
import 'reflect-metadata';

export default async function globalSetup() {
  register('./support/typescript-hooks.mjs', import.meta.url);
  const { startTestServers } = await import('./support/test-servers.ts');
  globalThis.testServers = await startTestServers();
}
