import assert from 'node:assert/strict';
import { lines } from '../workspace/lib/log.js';
import { refund } from '../workspace/lib/refunds.js';

const customer = { ...{ id: 12, name: 'Bob Reed', email: 'bob@reed.net', address: '9 Oak Way' }, cents: 10 };
assert.equal(refund(customer, 250), 260);
assert.equal(customer.cents, 260);
assert.equal(lines.length, 1);
assert.match(lines[0], /250/);
