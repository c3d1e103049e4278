import assert from 'node:assert/strict';
import { mergeOptions } from '../workspace/options.mjs';

mergeOptions({}, JSON.parse('{"__proto__": {"admin": true}}'));
assert.equal({}.admin, undefined, 'every object is an admin now');
mergeOptions({}, JSON.parse('{"constructor": {"prototype": {"root": true}}}'));
assert.equal({}.root, undefined, 'every object is root now');
