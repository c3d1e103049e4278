import type { Node } from 'web-tree-sitter';
import { ancestor, type ChainTypes, type DeclarationParts, dottedName, type FunctionParts, type LanguageOutline, textOf, unquoted } from './language-outline.ts';

const CHAIN: ChainTypes = {
  links: {
    selector_expression: { name: 'field', next: 'operand' },
    call_expression: { next: 'function' },
    index_expression: { next: 'operand' },
    parenthesized_expression: { next: 'expression', orFirst: true },
    type_instantiation_expression: { next: 'type', orFirst: true },
  },
  ends: ['identifier', 'type_identifier'],
};

function declaration(node: Node, text: string): FunctionParts | undefined {
  const name = node.childForFieldName('name');
  const body = node.childForFieldName('body') ?? openBody(node, text);
  return body ? { name: name ? textOf(name, text) : '', whole: node, body } : undefined;
}

/** A body whose closing brace is still to be written is an ERROR node after a function without a body. */
function openBody(node: Node, text: string): { start: number; end: number } | undefined {
  const next = node.nextSibling;
  return next?.isError && text[next.startIndex] === '{' ? { start: next.startIndex, end: next.endIndex } : undefined;
}

function literal(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body');
  if (!body) return undefined;
  const list = node.parent;
  const statement = list?.type === 'expression_list' && list.namedChildCount === 1 ? list.parent : undefined;
  const name = statement?.childForFieldName(statement.type === 'var_spec' ? 'name' : 'left');
  if (!statement || !name) return { name: '', whole: node, body };
  return { name: textOf(name, text), whole: ancestor(statement, ['var_declaration'], 2) ?? statement, body };
}

function entry(kind: DeclarationParts['kind']) {
  return (node: Node, text: string): DeclarationParts | undefined => {
    const name = node.childForFieldName('name');
    if (!name || (kind === 'constant' && node.parent?.parent?.type !== 'source_file')) return undefined;
    return { kind, name: textOf(name, text), whole: node.parent?.namedChildCount === 1 ? node.parent : node };
  };
}

export const GO: LanguageOutline = {
  openBodies: 'braces',
  functions: { function_declaration: declaration, method_declaration: declaration, func_literal: literal },
  declarations: {
    // The declaration that holds one of them alone is where its comment stands.
    type_spec: entry('type'),
    const_spec: entry('constant'),
    var_spec: entry('constant'),
    method_elem: (node, text) => {
      const name = node.childForFieldName('name');
      return name ? { kind: 'function', name: textOf(name, text), whole: node } : undefined;
    },
  },
  imports: {
    import_spec: (node, text) => {
      const path = node.childForFieldName('path');
      if (!path) return [];
      const module = unquoted(path, text);
      const alias = node.childForFieldName('name');
      if (!alias) return [{ module, names: packageName(module) }];
      return [{ module, names: alias.type === 'package_identifier' ? [textOf(alias, text)] : [] }];
    },
  },
  calls: { call_expression: (node, text) => dottedName(node.childForFieldName('function'), text, CHAIN) },
};

/** The name that a package has by convention: its last path element, without a version. */
function packageName(module: string): string[] {
  const parts = module.split('/').filter((part) => !/^v\d+$/.test(part));
  const last = parts.at(-1)?.replace(/\.v\d+$/, '').replace(/^go-|[-.]go$/g, '');
  return last ? [last] : [];
}
