import assert from 'node:assert/strict';
import test from 'node:test';
import { readQuantity } from './lib/quantity.js';

test('answers as every field of the form does', () => {
  assert.deepEqual(readQuantity(' 12 '), { ok: true, value: 12 });
  assert.deepEqual(readQuantity('1000'), { ok: false, error: { field: 'quantity', code: 'INVALID' } });
  assert.deepEqual(readQuantity('  '), { ok: false, error: { field: 'quantity', code: 'EMPTY' } });
});
