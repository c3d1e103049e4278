/** The house's one structural rule: dependencies point inwards (vscode, cli → node → core), and there are no cycles. */
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'core-knows-no-outer-room', severity: 'error', from: { path: '^src/core' }, to: { path: '^src/(node|vscode|cli|extension)' } },
    { name: 'core-has-no-node', severity: 'error', from: { path: '^src/core' }, to: { dependencyTypes: ['core'] } },
    { name: 'core-has-no-editor', severity: 'error', from: { path: '^src/core' }, to: { path: '^vscode$' } },
    { name: 'core-uses-pure-libraries-only', severity: 'error', from: { path: '^src/core' }, to: { dependencyTypes: ['npm', 'npm-dev'], pathNot: 'node_modules/(zod|yaml|diff|@types/sarif)/' } },
    { name: 'node-knows-no-editor', severity: 'error', from: { path: '^src/(node|cli)' }, to: { path: '^(vscode$|src/vscode|src/extension)' } },
    { name: 'node-knows-no-cli', severity: 'error', from: { path: '^src/node' }, to: { path: '^src/cli' } },
    { name: 'editor-knows-no-cli', severity: 'error', from: { path: '^src/(vscode|extension)' }, to: { path: '^src/cli' } },
    { name: 'product-knows-no-tests', severity: 'error', from: { path: '^src' }, to: { path: '^(test|bench)' } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    // The tools are scripts of their own; a bare import of "esbuild" there would be taken for the project's esbuild.mjs.
    doNotFollow: { path: '(^|/)node_modules|^tools/|^esbuild\\.mjs$' },
    exclude: { path: '^dist|^test/fixtures|^test/vscode/workspace|node_modules/.*/node_modules' },
    builtInModules: { add: ['vscode'] },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'require', 'node', 'default'] },
  },
};
