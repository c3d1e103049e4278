// The suites of `npm test`, in their order.
const mocha = (...args) => ['--import', 'tsx', 'node_modules/mocha/bin/mocha.js', '--reporter', 'tools/test/reporter.cjs', ...args];

/** Suite → what set-up it needs, whether it needs the package, its command under Node 24, and how long it may take at most. */
export const SUITES = {
  core: { setup: ['deps'], command: mocha('test/core/**/*.test.ts'), minutes: 3 },
  node: { setup: ['deps', 'semgrep', 'model', 'bubblewrap', 'runners'], command: mocha('test/node/**/*.test.ts'), minutes: 12 },
  vscode: { setup: ['deps', 'semgrep', 'model', 'server', 'chromium'], command: ['--import', 'tsx', 'test/vscode/run.mts'], minutes: 8 },
  e2e: { setup: ['deps', 'semgrep', 'model', 'server', 'chromium'], command: mocha('test/e2e/**/*.test.ts'), minutes: 6, package: true },
};
