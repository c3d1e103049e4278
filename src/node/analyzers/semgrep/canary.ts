import { randomBytes } from 'node:crypto';

/**
 * Proof that an answer can be trusted. Semgrep's server answers "no findings" in the same way for a clean text, for one that
 * it has not read, and for one whose rules failed. So each text carries a line that a rule of ours must find, and a session is
 * tried with code whose finding needs the parts that fail first.
 */
export interface Canary {
  /** Stands in a comment at the end of each text. */
  readonly token: string;
  /** A Python text with a known finding, for trying the engine itself. */
  readonly code: string;
  /** The rule file, as text. */
  readonly rules: string;
}

const TEXT_RULE = 'safenote-canary.text';
const CODE_RULE = 'safenote-canary.code';

export function newCanary(): Canary {
  const token = `safenote-canary-${randomBytes(8).toString('hex')}`;
  const rule = (id: string, languages: string[], what: object) => ({ id, languages, severity: 'INFO', message: id, ...what });
  return {
    token,
    code: 'value = "hit"\nsafenote_canary(value, "hit")\n',
    rules: JSON.stringify({
      rules: [
        rule(TEXT_RULE, ['regex'], { 'pattern-regex': token }),
        rule(CODE_RULE, ['python'], {
          patterns: [{ pattern: 'safenote_canary($A, $B)' }, { 'metavariable-regex': { metavariable: '$B', regex: '.*hit.*' } }, { 'metavariable-pattern': { metavariable: '$B', pattern: '"..."' } }],
        }),
      ],
    }),
  };
}

export function isTextCanary(ruleId: string): boolean {
  return ruleId.endsWith(TEXT_RULE);
}

export function isCodeCanary(ruleId: string): boolean {
  return ruleId.endsWith(CODE_RULE);
}
