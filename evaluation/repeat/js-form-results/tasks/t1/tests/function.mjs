import assert from 'node:assert/strict';
import { readQuantity } from '../workspace/lib/quantity.js';

assert.deepEqual(readQuantity('7'), { ok: true, value: 7 });
assert.deepEqual(readQuantity(' 999'), { ok: true, value: 999 });
for (const bad of ['0', '1000', '1.5', '-3', 'x']) assert.deepEqual(readQuantity(bad), { ok: false, error: { field: 'quantity', code: 'INVALID' } }, bad);
assert.deepEqual(readQuantity(''), { ok: false, error: { field: 'quantity', code: 'EMPTY' } });
