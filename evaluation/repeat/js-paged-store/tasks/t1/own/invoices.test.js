import assert from 'node:assert/strict';
import test from 'node:test';
import { openTotal } from './lib/invoices.js';
import { Store } from './lib/store.js';

test('every open invoice counts', () => {
  const store = new Store();
  for (let n = 0; n < 60; n++) store.insert('invoices', { customer: 'eve', cents: 5, paid: false });
  assert.equal(openTotal(store, 'eve'), 300);
});
