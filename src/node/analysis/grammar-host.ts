import { __wbg_set_wasm, initializeTreeSitter, parse as parseText, registerDynamicLanguage, type SgRoot } from '@ast-grep/wasm/wasm_bg.js';
import * as glue from '@ast-grep/wasm/wasm_bg.js';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Parser, Tree } from 'web-tree-sitter';
import type { Grammar, GrammarName } from './grammars.ts';

/** A parsed text: ast-grep's view of it and tree-sitter's own. Both end with the callback they are given to. */
export interface ParsedText {
  readonly root: SgRoot;
  readonly tree: Tree;
}

/**
 * Holds tree-sitter and ast-grep in one thread and loads grammars when they are first needed. One per thread: both
 * libraries keep their state in module variables.
 */
export class GrammarHost {
  private readonly assetsRoot: string;
  private readonly loaded = new Map<GrammarName, Promise<void>>();
  private readonly trees = new Set<Tree>();
  private started: Promise<void> | undefined;

  constructor(assetsRoot: string) {
    this.assetsRoot = assetsRoot;
  }

  /** Makes a grammar ready. Rejects when its file is missing or does not fit the library. */
  load(grammar: Grammar): Promise<void> {
    let loading = this.loaded.get(grammar.name);
    if (!loading) {
      loading = this.start().then(() =>
        registerDynamicLanguage({
          [grammar.name]: {
            libraryPath: path.join(this.assetsRoot, 'grammars', `${grammar.name}.wasm`),
            ...(grammar.expandoChar ? { expandoChar: grammar.expandoChar } : {}),
          },
        }),
      );
      loading.catch(() => this.loaded.delete(grammar.name));
      this.loaded.set(grammar.name, loading);
    }
    return loading;
  }

  /** Parses `text` with a loaded grammar and gives it to `use`; everything in it is freed afterwards. */
  withParsed<T>(grammar: Grammar, text: string, use: (parsed: ParsedText) => T): T {
    try {
      const root = parseText(grammar.name, text);
      try {
        return use({ root, tree: root.getInnerTree() as Tree });
      } finally {
        root.free();
      }
    } finally {
      this.freeTrees();
    }
  }

  private start(): Promise<void> {
    this.started ??= (async () => {
      const read = (name: string) => readFile(path.join(this.assetsRoot, 'wasm', name));
      const [treeSitter, astGrep] = await Promise.all([read('web-tree-sitter.wasm'), read('ast-grep.wasm')]);
      await Parser.init({ wasmBinary: treeSitter });
      const { instance } = await WebAssembly.instantiate(astGrep, { './wasm_bg.js': glue });
      __wbg_set_wasm(instance.exports);
      (instance.exports['__wbindgen_start'] as () => void)();
      await initializeTreeSitter();
      this.recordTrees();
    })();
    this.started.catch(() => (this.started = undefined));
    return this.started;
  }

  /**
   * ast-grep parses texts and patterns through web-tree-sitter, copies their trees, and never deletes either: each lives in
   * WASM memory, where no garbage collector looks (measured: 0.4 MB for each 300-line file). So every tree is noted at birth.
   */
  private recordTrees(): void {
    const { trees } = this;
    const { parse } = Parser.prototype;
    Parser.prototype.parse = function (this: Parser, ...args: Parameters<typeof parse>) {
      const tree = parse.apply(this, args);
      if (tree) trees.add(tree);
      return tree;
    };
    const { copy } = Tree.prototype;
    Tree.prototype.copy = function (this: Tree) {
      const tree = copy.apply(this);
      trees.add(tree);
      return tree;
    };
  }

  private freeTrees(): void {
    for (const tree of this.trees) tree.delete();
    this.trees.clear();
  }
}
