'use strict';

const { readSetting } = require('./settings.js');

/** The text of the banner on top of a page, or an empty one when the setting "banner" is not switched on. */
function bannerText(text) {
  
}

module.exports = { bannerText };
