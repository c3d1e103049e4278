import assert from 'node:assert/strict';
import { lines } from '../workspace/lib/log.js';
import { moveTo } from '../workspace/lib/moves.js';

const customer = { id: 12, name: 'Bob Reed', email: 'bob@reed.net', address: '9 Oak Way' };
moveTo(customer, '2 Oak Way');
assert.equal(lines.length > 0, true);
for (const secret of ['Bob', 'Reed', 'bob@', 'Oak']) assert.equal(lines.some((l) => l.includes(secret)), false, `the log says ${secret}`);
