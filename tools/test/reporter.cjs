// mocha's usual report on the screen; beside it one JSON line a test, so that a crash still leaves what was counted before.
const { appendFileSync } = require('node:fs');
const mocha = require('mocha');

const { Spec } = (mocha.default ?? mocha).reporters;

module.exports = class extends Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.SAFENOTE_TEST_RESULTS;
    if (!file) return;
    const write = (entry) => appendFileSync(file, `${JSON.stringify(entry)}\n`);
    runner.on('pass', () => write({ passed: 1 }));
    runner.on('fail', (test) => write({ failed: 1, name: test.fullTitle() }));
    runner.on('pending', (test) => write({ skipped: [test.fullTitle()] }));
    runner.on('end', () => write({ ended: true }));
  }
};
