// Stands in for @vscode/spdlog, whose native part is not compiled here: without it the server's log channels would stay empty.
const fs = require('node:fs');
const path = require('node:path');

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'critical', 'off'];
const SHOWN = { warn: 'warning' };

class Logger {
  constructor(kind, name, file, maxBytes) {
    this.file = file;
    this.maxBytes = maxBytes;
    this.level = 2;
    this.formatted = true;
    this.bytes = fs.existsSync(file) ? fs.statSync(file).size : 0;
  }

  getLevel() {
    return this.level;
  }
  setLevel(level) {
    this.level = level;
  }
  setPattern() {
    this.formatted = true;
  }
  clearFormatters() {
    this.formatted = false;
  }
  flush() {}
  drop() {}

  write(level, message) {
    if (level < this.level) return;
    const time = new Date().toISOString().replace('T', ' ').replace('Z', '');
    const name = LEVELS[level];
    const line = this.formatted ? `${time} [${SHOWN[name] ?? name}] ${message}\n` : message;
    this.bytes += Buffer.byteLength(line);
    try {
      if (this.maxBytes && this.bytes > this.maxBytes) {
        fs.renameSync(this.file, `${this.file}.1`);
        this.bytes = Buffer.byteLength(line);
      }
      fs.appendFileSync(this.file, line);
    } catch {
      // The folder went away: the server is ending.
    }
  }
}
for (const [level, name] of LEVELS.slice(0, 6).entries()) {
  Logger.prototype[name] = function (message) {
    this.write(level, message);
  };
}

async function create(name, file, maxBytes) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return new Logger('rotating', name, file, maxBytes);
}

// One by one: the server imports this file as a module, and only names written so are seen.
exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = create;
exports.createAsyncRotatingLogger = create;
