import assert from 'node:assert/strict';
import { lines } from '../workspace/lib/log.js';
import { login } from '../workspace/lib/login.js';

const customer = { ...{ id: 12, name: 'Bob Reed', email: 'bob@reed.net', address: '9 Oak Way' }, password: 'right' };
assert.equal(login(customer, 'right'), true);
assert.equal(lines.length, 0);
assert.equal(login(customer, 'wrong'), false);
assert.equal(lines.length, 1);
assert.match(lines[0], /^warn /);
