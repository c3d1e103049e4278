import assert from 'node:assert/strict';
import { openTotal } from '../workspace/lib/invoices.js';
import { Store } from '../workspace/lib/store.js';

const store = new Store();
assert.equal(openTotal(store, 'ann'), 0);
for (let n = 0; n < 130; n++) store.insert('invoices', { customer: n % 2 ? 'bob' : 'ann', cents: 10, paid: n === 0 });
assert.equal(openTotal(store, 'ann'), 640);
assert.equal(openTotal(store, 'bob'), 650);
