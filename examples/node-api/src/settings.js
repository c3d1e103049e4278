'use strict';

let values = {};

/** Takes over what operators have set, by name. */
function loadSettings(loaded) {
  values = loaded;
}

/** The value of a setting. */
function readSetting(name) {
  return String(values[name] ?? 'off');
}

module.exports = { loadSettings, readSetting };
