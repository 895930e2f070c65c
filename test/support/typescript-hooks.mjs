// Lets the global setup, which Jest loads natively, import the TypeScript of the repository as the specs do.
import { transformFile } from '@swc/core';
import { fileURLToPath } from 'node:url';

const CONDITION = 'monolith-source';

export async function resolve(specifier, context, next) {
  const conditions = [CONDITION, ...context.conditions];
  const fromTypeScript = /\.tsx?$/.test(context.parentURL ?? '');
  if (fromTypeScript && specifier.startsWith('.') && specifier.endsWith('.js')) {
    for (const extension of ['.ts', '.tsx']) {
      try {
        return await next(specifier.replace(/\.js$/, extension), { ...context, conditions });
      } catch (error) {
        if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      }
    }
  }
  return next(specifier, { ...context, conditions });
}

export async function load(url, context, next) {
  if (!/^file:.*\.tsx?$/.test(url)) return next(url, context);
  const { code } = await transformFile(fileURLToPath(url), {
    sourceMaps: 'inline',
    // a JSON file is imported by its type
    jsc: { experimental: { keepImportAttributes: true } },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
