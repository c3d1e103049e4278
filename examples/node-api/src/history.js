'use strict';

const { exec, execFile } = require('node:child_process');

/** Calls back with the subjects of the last ten commits of a branch of the repository in `folder`, newest first. */
function recentCommits(folder, branch, callback) {
  
}

module.exports = { recentCommits };
