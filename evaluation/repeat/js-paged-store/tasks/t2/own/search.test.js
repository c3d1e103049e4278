import assert from 'node:assert/strict';
import test from 'node:test';
import { memberByEmail } from './lib/search.js';
import { Store } from './lib/store.js';

test('finds the newest member', () => {
  const store = new Store();
  for (let n = 0; n < 70; n++) store.insert('members', { email: `p${n}@y.org` });
  assert.equal(memberByEmail(store, 'p69@y.org')?.email, 'p69@y.org');
});
