// Everything is loaded as CommonJS: @nestjs/throttler require()s Nest's ES modules, which Jest cannot before Node.js 24.9
const asCommonJs = ['@swc/jest', { module: { type: 'commonjs' } }];

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{apps,libs,test}/**/*.spec.ts?(x)'],
  transform: { '^.+\\.(ts|tsx|js|mjs)$': asCommonJs },
  // axe-core wants `this` at its top level, which a transformed module has not
  transformIgnorePatterns: ['/node_modules/axe-core/'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1', '$1.js'] },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/[^/]+/dist/'],
  testEnvironmentOptions: { customExportConditions: ['monolith-source', 'node', 'node-addons'] },
  globalSetup: '<rootDir>/test/global-setup.mjs',
  globalTeardown: '<rootDir>/test/global-teardown.mjs',
  setupFiles: ['reflect-metadata'],
  coverageProvider: 'v8',
  maxWorkers: 2,
  workerIdleMemoryLimit: '500MB',
  // a wait ends with what it waits for: this is only how long a failure may take on a busy machine
  testTimeout: 60_000,
};
