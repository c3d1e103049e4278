import assert from 'node:assert/strict';
import { readCode } from '../workspace/lib/code.js';

assert.deepEqual(readCode(' xyz-0007 '), { ok: true, value: 'XYZ-0007' });
for (const bad of ['xy-0007', 'xyz-007', 'xyz-00077', '1yz-0007']) assert.deepEqual(readCode(bad), { ok: false, error: { field: 'code', code: 'INVALID' } }, bad);
assert.deepEqual(readCode(''), { ok: false, error: { field: 'code', code: 'EMPTY' } });
