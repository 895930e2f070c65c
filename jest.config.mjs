// What is ours is loaded as CommonJS, and packages by Node.js itself, see test/environment.mjs
const asCommonJs = ['@swc/jest', { module: { type: 'commonjs' } }];

export default {
  testEnvironment: '<rootDir>/test/environment.mjs',
  testMatch: ['<rootDir>/{apps,libs,test}/**/*.spec.ts?(x)'],
  transform: { '^.+\\.(ts|tsx|js|mjs)$': asCommonJs },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': ['$1', '$1.js'] },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/[^/]+/dist/'],
  testEnvironmentOptions: { customExportConditions: ['monolith-source', 'node', 'node-addons'] },
  testSequencer: '<rootDir>/test/sequencer.mjs',
  globalSetup: '<rootDir>/test/global-setup.mjs',
  globalTeardown: '<rootDir>/test/global-teardown.mjs',
  setupFiles: ['reflect-metadata'],
  coverageProvider: 'v8',
  maxWorkers: 2,
  workerIdleMemoryLimit: '500MB',
  // a wait ends with what it waits for: this is only how long a failure may take on a busy machine
  testTimeout: 60_000,
};
