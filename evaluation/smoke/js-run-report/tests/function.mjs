import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { reportHead } from '../workspace/report.mjs';

writeFileSync('/tmp/r.txt', Array.from({ length: 20 }, (_, n) => n).join('\n'));
assert.equal(reportHead('/tmp/r.txt'), '0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
