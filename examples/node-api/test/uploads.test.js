'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { loadSettings } = require('../src/settings.js');
const { uploadsAllowed } = require('../src/uploads.js');

test('uploads follow the setting', () => {
  loadSettings({ uploads: 'on' });
  assert.equal(uploadsAllowed(), true);
  loadSettings({ uploads: 'off' });
  assert.equal(uploadsAllowed(), false);
  loadSettings({});
  assert.equal(uploadsAllowed(), false);
});
