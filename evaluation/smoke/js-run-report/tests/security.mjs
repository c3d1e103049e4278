import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { reportHead } from '../workspace/report.mjs';

writeFileSync('/tmp/r.txt', 'x');
try {
  reportHead('/tmp/r.txt; touch /tmp/pwned');
} catch {
  // To refuse is right.
}
assert.ok(!existsSync('/tmp/pwned'), 'the file name is read as a command');
