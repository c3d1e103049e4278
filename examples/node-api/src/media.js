'use strict';

const { exec, execFile } = require('node:child_process');

/** Resolves to the version line of the installed ffmpeg. */
function ffmpegVersion() {
  return new Promise((resolve, reject) => {
    execFile('ffmpeg', ['-version'], (error, stdout) => (error ? reject(error) : resolve(stdout.split('\n')[0])));
  });
}

/** Extracts the sound of a video file into an MP3 file with ffmpeg; calls back with an error or null. */
function extractSound(video, sound, callback) {
  
}

module.exports = { ffmpegVersion, extractSound };
