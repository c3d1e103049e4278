/** The languages SafeNote has rules, samples and a grammar for. Any other language is accepted and handled as text. */
export const LANGUAGES = ['python', 'javascript', 'typescript', 'c', 'cpp', 'go', 'java'] as const;
export type Language = (typeof LANGUAGES)[number];

const ALIASES: Readonly<Record<string, string>> = {
  py: 'python',
  js: 'javascript',
  javascriptreact: 'javascript',
  jsx: 'javascript',
  node: 'javascript',
  ts: 'typescript',
  typescriptreact: 'typescript',
  tsx: 'typescript',
  'c++': 'cpp',
  cc: 'cpp',
  cxx: 'cpp',
  golang: 'go',
  rb: 'ruby',
  'c#': 'csharp',
  cs: 'csharp',
  kt: 'kotlin',
  pl: 'perl',
  rs: 'rust',
  sh: 'shell',
  bash: 'shell',
};

const EXTENSIONS: Readonly<Record<string, Language>> = {
  py: 'python', pyi: 'python', pyw: 'python',
  js: 'javascript', jsx: 'javascript', mjs: 'javascript', cjs: 'javascript',
  ts: 'typescript', tsx: 'typescript', mts: 'typescript', cts: 'typescript',
  c: 'c', h: 'c',
  cc: 'cpp', cpp: 'cpp', cxx: 'cpp', hpp: 'cpp', hh: 'cpp', hxx: 'cpp',
  go: 'go',
  java: 'java',
};

const EXTENSION_OF: Readonly<Record<Language, string>> = {
  python: 'py', javascript: 'js', typescript: 'ts', c: 'c', cpp: 'cpp', go: 'go', java: 'java',
};

/** Looks a name up that comes from outside: `constructor` and `__proto__` are names too, and no table of ours has them. */
function known<T extends string>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Languages that are known by name alone: samples of them are kept and found by their words, without syntax and rules. */
const TEXT_LANGUAGES: readonly string[] = ['csharp', 'dart', 'kotlin', 'lua', 'perl', 'php', 'ruby', 'rust', 'scala', 'shell', 'sql', 'swift'];

/** Whether a sample can be of this language. */
export function isKnownLanguage(language: string): boolean {
  return isSupported(language) || TEXT_LANGUAGES.includes(language);
}

export function isSupported(language: string): language is Language {
  return (LANGUAGES as readonly string[]).includes(language);
}

/** Canonical name of an editor's language id or of what a user typed; an unknown one comes back in lower case. */
export function canonicalLanguage(id: string): string {
  const lower = id.trim().toLowerCase();
  return known(ALIASES, lower) ?? lower;
}

/** Language of a file by its name, or `plaintext`. */
export function languageOfPath(path: string): string {
  const extension = /\.([A-Za-z+]+)$/.exec(path)?.[1]?.toLowerCase();
  return (extension && known(EXTENSIONS, extension)) || 'plaintext';
}

/** File extension without a dot that analyzers expect. TSX and JSX keep theirs: they have their own grammar. */
export function extensionFor(language: string, path = ''): string {
  const own = /\.([A-Za-z+]+)$/.exec(path)?.[1]?.toLowerCase();
  if (own && EXTENSIONS[own] === language) return own;
  return isSupported(language) ? EXTENSION_OF[language] : 'txt';
}

/** How the language begins a line comment. */
export function lineComment(language: string): string {
  return language === 'python' || language === 'ruby' || language === 'shellscript' ? '#' : '//';
}
