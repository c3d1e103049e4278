import assert from 'node:assert/strict';
import { mergeOptions } from '../workspace/options.mjs';

assert.deepEqual(mergeOptions({ a: 1, b: { c: 2 } }, { b: { d: 3 }, e: [4] }), { a: 1, b: { c: 2, d: 3 }, e: [4] });
