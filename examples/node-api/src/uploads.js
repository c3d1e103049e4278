'use strict';

const { readSetting } = require('./settings.js');

/** Whether uploads are allowed now: when the setting "uploads" is switched on. */
function uploadsAllowed() {
  
}

module.exports = { uploadsAllowed };
