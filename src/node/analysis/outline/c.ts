import type { Node } from 'web-tree-sitter';
import { type ChainTypes, dottedName, type FunctionParts, type LanguageOutline, outermost, textOf, unquoted } from './language-outline.ts';

const CHAIN: ChainTypes = {
  links: {
    field_expression: { name: 'field', next: 'argument' },
    call_expression: { next: 'function' },
    subscript_expression: { next: 'argument' },
    parenthesized_expression: { next: 'expression', orFirst: true },
    template_function: { next: 'name' },
  },
  ends: ['identifier', 'qualified_identifier', 'this', 'field_identifier'],
};

/** The name at the heart of a declarator: `*(*f)(int)` and `A::operator=` have one too. */
function declaredName(node: Node, text: string): string {
  let at: Node | null = node;
  for (let steps = 0; at && steps < 20; steps++) {
    const inner: Node | null = at.childForFieldName('declarator') ?? (/(reference|parenthesized)_declarator$/.test(at.type) ? at.namedChild(0) : null);
    if (!inner) break;
    at = inner;
  }
  return at && !/^abstract_/.test(at.type) ? textOf(at, text).replace(/\s+/g, ' ') : '';
}

function definition(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body') ?? node.namedChildren.find((child) => child?.type === 'compound_statement' || child?.type === 'try_statement');
  const declarator = node.childForFieldName('declarator');
  // `= default` and `= delete` have no body.
  if (!body || !declarator || !/^(compound|try)_statement$/.test(body.type)) return undefined;
  return { name: declaredName(declarator, text), whole: outermost(node, ['template_declaration']), body };
}

function lambda(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body');
  if (!body) return undefined;
  const named = node.parent?.type === 'init_declarator' ? node.parent : undefined;
  const name = named?.childForFieldName('declarator');
  return { name: name ? declaredName(name, text) : '', whole: named ? outermost(named, ['declaration']) : node, body };
}

/** C and C++. */
export const C: LanguageOutline = {
  openBodies: 'braces',
  functions: { function_definition: definition, lambda_expression: lambda },
  imports: {
    preproc_include: (node, text) => {
      const path = node.childForFieldName('path');
      return path ? [{ module: unquoted(path, text), names: [] }] : [];
    },
  },
  calls: {
    call_expression: (node, text) => dottedName(node.childForFieldName('function'), text, CHAIN),
    new_expression: (node, text) => {
      const type = node.childForFieldName('type');
      return type ? textOf(type, text).replace(/\s+/g, '') : undefined;
    },
  },
};
