import assert from 'node:assert/strict';
import test from 'node:test';
import { readCode } from './lib/code.js';

test('answers as every field of the form does', () => {
  assert.deepEqual(readCode('abc-1234'), { ok: true, value: 'ABC-1234' });
  assert.deepEqual(readCode('abc1234'), { ok: false, error: { field: 'code', code: 'INVALID' } });
  assert.deepEqual(readCode(' '), { ok: false, error: { field: 'code', code: 'EMPTY' } });
});
