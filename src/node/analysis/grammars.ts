/** A tree-sitter grammar as the build packs it. */
export interface Grammar {
  /** Also the name of its file in `grammars/` and the language's name in ast-grep. */
  readonly name: GrammarName;
  /** Stands for `$` in ast-grep's patterns where the language itself cannot read a `$` in a name. */
  readonly expandoChar?: string;
}

export type GrammarName = 'python' | 'javascript' | 'typescript' | 'tsx' | 'c' | 'cpp' | 'go' | 'java';

const GRAMMARS: Readonly<Record<GrammarName, Grammar>> = {
  python: { name: 'python', expandoChar: 'µ' },
  javascript: { name: 'javascript' },
  typescript: { name: 'typescript' },
  tsx: { name: 'tsx' },
  c: { name: 'c', expandoChar: '𐀀' },
  cpp: { name: 'cpp', expandoChar: '𐀀' },
  go: { name: 'go', expandoChar: 'µ' },
  java: { name: 'java' },
};

/** The grammar for a document of this language at this path; none for a language that SafeNote handles as text. */
export function grammarFor(language: string, path: string): Grammar | undefined {
  if (language === 'typescript' && /\.tsx$/i.test(path)) return GRAMMARS.tsx;
  return Object.hasOwn(GRAMMARS, language) ? GRAMMARS[language as GrammarName] : undefined;
}
