import type { SgNode } from '@ast-grep/wasm';
import { messageOf } from '../../core/errors.ts';
import type { SourceDocument } from '../../core/source.ts';
import { EMPTY_OUTLINE, type SyntaxOutline } from '../../core/syntax/outline.ts';
import { type Grammar, grammarFor, type GrammarName } from './grammars.ts';
import { GrammarHost } from './grammar-host.ts';
import type { ScanResult } from './messages.ts';
import { outlineOf } from './outline/outline-of.ts';
import { readBuiltinRules } from './rules.ts';
import { sliceOf } from './slice.ts';
import { RuleSet } from './rule-set.ts';

/** What the analysis worker does, without the worker around it. Synchronous once a language is loaded. */
export class AnalysisEngine {
  private readonly assetsRoot: string;
  private readonly host: GrammarHost;
  private readonly ruleSets = new Map<GrammarName, RuleSet>();
  private brokenFile: readonly string[] = [];
  private rules: ReturnType<typeof readBuiltinRules> | undefined;

  constructor(assetsRoot: string) {
    this.assetsRoot = assetsRoot;
    this.host = new GrammarHost(assetsRoot);
  }

  async outline(document: SourceDocument): Promise<SyntaxOutline> {
    const grammar = grammarFor(document.language, document.path);
    if (!grammar) return EMPTY_OUTLINE;
    await this.host.load(grammar);
    return this.host.withParsed(grammar, document.text, ({ tree }) => outlineOf(grammar.name, tree, document.text));
  }

  /** Never longer than the text, and always parses; `null` where the text itself does not, or nothing can be left out. */
  async slice(document: SourceDocument, before: string): Promise<string | null> {
    const grammar = grammarFor(document.language, document.path);
    if (!grammar) return null;
    await this.host.load(grammar);
    const slice = this.host.withParsed(grammar, document.text, ({ tree }) => (tree.rootNode.hasError ? undefined : sliceOf(tree, document.text, before)));
    if (slice === undefined) return null;
    return this.host.withParsed(grammar, slice, ({ tree }) => tree.rootNode.hasError) ? null : slice;
  }

  async scan(document: SourceDocument): Promise<ScanResult> {
    try {
      const result = await this.withRules(document, (rules, root) => ({ findings: rules.scan(root, document.text), broken: rules.broken }));
      if (!result) return { status: 'unavailable', reason: `no rules for ${document.language}`, findings: [], brokenRules: this.brokenFile };
      return { status: 'ran', findings: result.findings, brokenRules: [...this.brokenFile, ...result.broken] };
    } catch (error) {
      return { status: 'unavailable', reason: `the text could not be analysed: ${messageOf(error)}`, findings: [], brokenRules: this.brokenFile };
    }
  }

  /** Loads grammar and rules of a document's language and tries them on its text. */
  async warm(document: SourceDocument): Promise<null> {
    await this.outline(document);
    await this.withRules(document, (rules, root) => rules.warm(root));
    return null;
  }

  /** Tries every rule of a document's language on it. */
  async check(document: SourceDocument): Promise<readonly string[]> {
    const refused = await this.withRules(document, (rules, root) => rules.check(root));
    return [...this.brokenFile, ...(refused ?? [])];
  }

  private async withRules<T>(document: SourceDocument, use: (rules: RuleSet, root: SgNode) => T): Promise<T | undefined> {
    const grammar = grammarFor(document.language, document.path);
    const rules = grammar ? await this.ruleSet(grammar) : undefined;
    if (!grammar || !rules) return undefined;
    return this.host.withParsed(grammar, document.text, ({ root }) => {
      const node = root.root();
      try {
        return use(rules, node);
      } finally {
        node.free();
      }
    });
  }

  /** The rules of a grammar; none where nobody wrote one. */
  private async ruleSet(grammar: Grammar): Promise<RuleSet | undefined> {
    const known = this.ruleSets.get(grammar.name);
    if (known) return known.size > 0 ? known : undefined;
    this.rules ??= readBuiltinRules(this.assetsRoot);
    this.rules.catch(() => (this.rules = undefined));
    const [{ rules, broken }] = await Promise.all([this.rules, this.host.load(grammar)]);
    this.brokenFile = broken;
    const set = new RuleSet(rules.filter((rule) => rule.language === grammar.name));
    this.ruleSets.set(grammar.name, set);
    return set.size > 0 ? set : undefined;
  }
}
