export interface RuleMetadata {
  readonly cwe: readonly string[];
  readonly family: string;
  readonly language: string;
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** All languages that the rule serves, where its engine names several. */
  readonly languages?: readonly string[];
  readonly engines: readonly ('builtin' | 'semgrep')[];
}
export function readRules(root: string): Promise<{
  readonly builtin: readonly { readonly id: string; readonly language: string; readonly rule: unknown }[];
  readonly semgrep: string;
  readonly metadata: Readonly<Record<string, RuleMetadata>>;
  readonly problems: readonly string[];
}>;
