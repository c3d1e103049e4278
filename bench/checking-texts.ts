/** Source texts of a given length for the benchmark of checking: no two are alike, all parse. */

type Kind = 'typical' | 'dense' | 'mixed';

interface Pieces {
  readonly head: string;
  /** Ordinary code. */
  readonly plain: readonly ((n: number) => string)[];
  /** Code that rules have something to say about. */
  readonly weak: readonly ((n: number) => string)[];
}

const PYTHON: Pieces = {
  head: 'import hashlib\nimport logging\nimport os\nimport sqlite3\nimport subprocess\n\nlog = logging.getLogger(__name__)\n\n\n',
  plain: [
    (n) => `def total_${n}(rows, rate=${n}):\n    """Sums the rows."""\n    result = 0\n    for row in rows:\n        if row is None:\n            continue\n        result += row["price"] * rate\n    return result\n\n\n`,
    (n) => `class Store${n}:\n    def __init__(self, path):\n        self.path = path\n        self.items = {}\n\n    def add(self, name, value):\n        if name in self.items:\n            raise KeyError(name)\n        self.items[name] = value\n        return len(self.items)\n\n\n`,
    (n) => `def find_${n}(connection, name):\n    cursor = connection.cursor()\n    cursor.execute("SELECT id FROM users WHERE name = ?", (name,))\n    row = cursor.fetchone()\n    log.info("looked up a user")\n    return row[0] if row else None\n\n\n`,
  ],
  weak: [
    (n) => `def user_${n}(connection, name):\n    cursor = connection.cursor()\n    cursor.execute("SELECT * FROM users WHERE name = '" + name + "'")\n    return cursor.fetchall()\n\n\n`,
    (n) => `def ping_${n}(host):\n    return os.system("ping -c ${n} " + host)\n\n\n`,
    (n) => `def token_${n}(password):\n    return hashlib.md5(password.encode()).hexdigest()\n\n\n`,
  ],
};

const JAVASCRIPT: Pieces = {
  head: "const express = require('express');\nconst fs = require('fs');\nconst db = require('./db');\n\nconst app = express();\n\n",
  plain: [
    (n) => `function total${n}(rows, rate) {\n  let result = ${n};\n  for (const row of rows) {\n    if (!row) continue;\n    result += row.price * rate;\n  }\n  return result;\n}\n\n`,
    (n) => `class Store${n} {\n  constructor(path) {\n    this.path = path;\n    this.items = new Map();\n  }\n  add(name, value) {\n    if (this.items.has(name)) throw new Error('there already');\n    this.items.set(name, value);\n    return this.items.size;\n  }\n}\n\n`,
    (n) => `app.get('/u${n}/:id', async (req, res) => {\n  const rows = await db.query('SELECT name FROM users WHERE id = $1', [req.params.id]);\n  res.json({ rows });\n});\n\n`,
  ],
  weak: [
    (n) => `app.get('/w${n}/:id', async (req, res) => {\n  const rows = await db.query("SELECT name FROM users WHERE id = '" + req.params.id + "'");\n  res.json({ rows });\n});\n\n`,
    (n) => `function show${n}(element, name) {\n  element.innerHTML = '<b>' + name + '</b>';\n}\n\n`,
    (n) => `function run${n}(name) {\n  return require('child_process').execSync('ls ' + name);\n}\n\n`,
  ],
};

const C: Pieces = {
  head: '#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n\n',
  plain: [
    (n) => `static int total_${n}(const int *rows, size_t count)\n{\n    int result = ${n};\n    for (size_t i = 0; i < count; i++) {\n        if (rows[i] < 0)\n            continue;\n        result += rows[i];\n    }\n    return result;\n}\n\n`,
    (n) => `static char *copy_${n}(const char *text)\n{\n    size_t length = strlen(text) + 1;\n    char *copy = malloc(length);\n    if (copy == NULL)\n        return NULL;\n    memcpy(copy, text, length);\n    return copy;\n}\n\n`,
  ],
  weak: [
    (n) => `static void greet_${n}(const char *name)\n{\n    char line[32];\n    strcpy(line, name);\n    printf("%s\\n", line);\n}\n\n`,
    (n) => `static void read_${n}(void)\n{\n    char line[32];\n    gets(line);\n    puts(line);\n}\n\n`,
  ],
};

const PIECES: Readonly<Record<string, Pieces>> = { python: PYTHON, javascript: JAVASCRIPT, typescript: JAVASCRIPT, c: C };

/** About `lines` lines of code. `typical` has two weak places, in `dense` every second piece is one, `mixed` differs by `n`. */
export function textsFor(language: string, n: number, lines: number, kind: Kind): string {
  const pieces = PIECES[language];
  if (!pieces) throw new Error(`no pieces for ${language}`);
  const comment = language === 'python' ? '#' : '//';
  let text = `${comment} text ${n}\n${pieces.head}`;
  for (let i = 0; text.split('\n').length < lines; i++) {
    const weak = kind === 'typical' ? i === 3 || i === 9 : kind === 'dense' ? i % 2 === 1 : (i * 7 + n * 13) % 3 === 0;
    const from = weak ? pieces.weak : pieces.plain;
    text += from[(i + n) % from.length]?.(n * 1000 + i) ?? '';
  }
  return text;
}
