// Tests run from source: the export condition points every workspace package at its src folder.
export default {
  testMatch: ['<rootDir>/{packages,apps}/*/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript', decorators: false }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  testEnvironment: '<rootDir>/scripts/jest-environment.mjs',
  reporters: ['default', '<rootDir>/scripts/jest-reporter.mjs'],
  testEnvironmentOptions: { customExportConditions: ['@resilient-swarm/source', 'node', 'node-addons'] },
  setupFiles: ['<rootDir>/packages/testkit/src/jest-setup.ts'],
  modulePathIgnorePatterns: ['<rootDir>/(packages|apps)/[^/]+/dist/'],
  coverageProvider: 'v8',
  maxWorkers: 2,
  // A worker keeps what every test file has loaded; beyond this its collections slow the tests down and delay its end.
  workerIdleMemoryLimit: '768MB',
  testTimeout: 20_000,
}
