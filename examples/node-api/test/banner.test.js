'use strict';

const assert = require('node:assert/strict');
const test = require('node:test');
const { loadSettings } = require('../src/settings.js');
const { bannerText } = require('../src/banner.js');

test('the banner is shown when it is switched on', () => {
  loadSettings({ banner: 'on' });
  assert.equal(bannerText('Closed on Monday'), 'Closed on Monday');
  loadSettings({ banner: 'off' });
  assert.equal(bannerText('Closed on Monday'), '');
  loadSettings({});
  assert.equal(bannerText('Closed on Monday'), '');
});
