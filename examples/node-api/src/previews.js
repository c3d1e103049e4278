'use strict';

const { exec, execFile } = require('node:child_process');

/** Writes one frame of a video file, at a number of seconds, into a JPEG file with ffmpeg; calls back with an error or null. */
function extractFrame(video, seconds, picture, callback) {
  
}

module.exports = { extractFrame };
