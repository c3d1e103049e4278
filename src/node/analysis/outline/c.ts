import type { Node } from 'web-tree-sitter';
import { ancestor, type ChainTypes, dottedName, type DeclarationParts, type FunctionParts, type LanguageOutline, outermost, textOf, unquoted } from './language-outline.ts';

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

/** A struct, class, union or enum with its members; without them it is only named. */
function type(node: Node, text: string): DeclarationParts | undefined {
  const body = node.childForFieldName('body');
  if (!body) return undefined;
  const defined = node.parent?.type === 'type_definition' ? node.parent : undefined;
  const name = node.childForFieldName('name') ?? defined?.childForFieldName('declarator');
  return name ? { kind: 'type', name: textOf(name, text), whole: outermost(defined ?? node, ['template_declaration', 'declaration']), body } : undefined;
}

/** A prototype, in a header or in a class; a function pointer or a call of a constructor declares none. */
function prototype(node: Node, text: string): DeclarationParts | undefined {
  let declarator = node.childForFieldName('declarator');
  while (declarator && /^(pointer|reference)_declarator$/.test(declarator.type)) declarator = declarator.childForFieldName('declarator') ?? declarator.namedChild(0);
  const name = declarator?.type === 'function_declarator' ? declarator.childForFieldName('declarator') : null;
  if (!declarator || !name || !/identifier$|^(operator|destructor)_name$/.test(name.type) || ancestor(node, ['compound_statement'], 1)) return undefined;
  return { kind: 'function', name: textOf(name, text), whole: outermost(node, ['template_declaration']) };
}

function macro(kind: DeclarationParts['kind']) {
  return (node: Node, text: string): DeclarationParts | undefined => {
    const name = node.childForFieldName('name');
    return name ? { kind, name: textOf(name, text), whole: node } : undefined;
  };
}

/** C and C++. */
export const C: LanguageOutline = {
  openBodies: 'braces',
  functions: { function_definition: definition, lambda_expression: lambda },
  declarations: { struct_specifier: type, class_specifier: type, union_specifier: type, enum_specifier: type, declaration: prototype, field_declaration: prototype, preproc_def: macro('constant'), preproc_function_def: macro('function') },
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
