import type { Node } from 'web-tree-sitter';
import { type ChainTypes, dottedName, type DeclarationParts, type FunctionParts, type ImportParts, type LanguageOutline, outermost, textOf, typeDeclaration, unquoted } from './language-outline.ts';

const CHAIN: ChainTypes = {
  links: {
    member_expression: { name: 'property', next: 'object' },
    call_expression: { next: 'function' },
    new_expression: { next: 'constructor' },
    subscript_expression: { next: 'object' },
    await_expression: { next: 'argument', orFirst: true },
    parenthesized_expression: { next: 'expression', orFirst: true },
    non_null_expression: { next: 'expression', orFirst: true },
    as_expression: { next: 'expression', orFirst: true },
  },
  ends: ['identifier', 'this', 'super', 'import'],
};

/** Wrappers that belong to a declaration. */
const DECLARATIONS = ['variable_declarator', 'lexical_declaration', 'variable_declaration', 'export_statement', 'assignment_expression', 'expression_statement'];

function functionExpression(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body');
  if (!body) return undefined;
  const own = node.childForFieldName('name');
  const around = outermost(node, ['parenthesized_expression', 'as_expression', 'satisfies_expression']);
  const holder = around.parent;
  const named = holder && holder.childForFieldName(NAME_FIELD[holder.type] ?? '');
  if (holder && named) return { name: lastName(named, text), whole: outermost(holder, DECLARATIONS), body };
  // `const f = memo(() => {…})`: the name of what it is wrapped in is the name people know it by.
  const declarator = holder?.type === 'arguments' && holder.parent?.parent?.type === 'variable_declarator' ? holder.parent.parent : undefined;
  const declared = declarator?.childForFieldName('name');
  if (own) return { name: textOf(own, text), whole: outermost(node, ['export_statement', 'expression_statement']), body };
  if (declarator && declared?.type === 'identifier' && body.type === 'statement_block') return { name: textOf(declared, text), whole: outermost(declarator, DECLARATIONS), body };
  if (holder?.type === 'export_statement') return { name: '', whole: holder, body };
  // `x => x + 1` as an argument is an expression; only with a block is it a place to write in.
  return body.type === 'statement_block' ? { name: '', whole: node, body } : undefined;
}

/** Where a construct that holds a function says its name. */
const NAME_FIELD: Readonly<Record<string, string>> = {
  variable_declarator: 'name',
  assignment_expression: 'left',
  pair: 'key',
  field_definition: 'property',
  public_field_definition: 'name',
};

function lastName(node: Node, text: string): string {
  const name = node.type === 'member_expression' ? node.childForFieldName('property') : node;
  return name ? unquoted(name, text).replace(/^\[|\]$/g, '') : '';
}

function declaration(node: Node, text: string): FunctionParts | undefined {
  const body = node.childForFieldName('body');
  if (!body) return undefined;
  const name = node.childForFieldName('name');
  return { name: name ? lastName(name, text) : '', whole: outermost(node, ['export_statement']), body };
}

function method(node: Node, text: string): FunctionParts | undefined {
  const parts = declaration(node, text);
  if (!parts) return undefined;
  // TypeScript's grammar puts a method's decorators beside it, JavaScript's inside it.
  let whole = node;
  while (whole.previousSibling?.type === 'decorator') whole = whole.previousSibling;
  const header = node.children.find((child) => child?.type !== 'decorator');
  return { ...parts, whole, ...(header ? { header } : {}) };
}

function type(node: Node, text: string): DeclarationParts | undefined {
  const parts = typeDeclaration(['export_statement'])(node, text);
  return parts && { ...parts, header: parts.whole };
}

function signature(node: Node, text: string): DeclarationParts | undefined {
  const name = node.childForFieldName('name');
  return name ? { kind: 'function', name: lastName(name, text), whole: outermost(node, ['export_statement', 'ambient_declaration']) } : undefined;
}

function importStatement(node: Node, text: string): readonly ImportParts[] {
  const clause = node.namedChildren.find((child) => child?.type === 'import_clause' || child?.type === 'import_require_clause');
  const source = node.childForFieldName('source') ?? clause?.childForFieldName('source');
  if (!source) return [];
  const names: string[] = [];
  const renamed: Record<string, string> = {};
  for (const part of clause?.namedChildren ?? []) {
    if (part?.type === 'identifier') {
      names.push(textOf(part, text));
      renamed[textOf(part, text)] = 'default';
    }
    else if (part?.type === 'namespace_import') {
      const name = part.namedChild(0);
      if (name) names.push(textOf(name, text));
    } else if (part?.type === 'named_imports') {
      for (const specifier of part.namedChildren) {
        const own = specifier?.childForFieldName('name');
        const bound = specifier?.childForFieldName('alias') ?? own;
        if (bound) names.push(textOf(bound, text));
        if (bound && own && bound !== own) renamed[textOf(bound, text)] = textOf(own, text);
      }
    }
  }
  return [{ module: unquoted(source, text), names, ...(Object.keys(renamed).length > 0 ? { renamed } : {}) }];
}

function exportFrom(node: Node, text: string): readonly ImportParts[] {
  const source = node.childForFieldName('source');
  return source ? [{ module: unquoted(source, text), names: [] }] : [];
}

/** `require('x')` and `import('x')`, with the names that a declaration around them binds. */
function requireCall(node: Node, text: string): readonly ImportParts[] {
  const callee = node.childForFieldName('function');
  if (!callee || !(callee.type === 'import' || (callee.type === 'identifier' && textOf(callee, text) === 'require'))) return [];
  const argument = node.childForFieldName('arguments')?.namedChild(0);
  if (argument?.type !== 'string') return [];
  const value = outermost(node, ['member_expression', 'await_expression', 'parenthesized_expression']);
  const target = value.parent?.type === 'variable_declarator' ? value.parent.childForFieldName('name') : null;
  const renamed = target?.type === 'object_pattern' ? renamedIn(target, text) : {};
  return [{ module: unquoted(argument, text), names: target ? boundNames(target, text) : [], ...(Object.keys(renamed).length > 0 ? { renamed } : {}) }];
}

/** `const { a: b } = require('x')`: b → a. */
function renamedIn(pattern: Node, text: string): Record<string, string> {
  const renamed: Record<string, string> = {};
  for (const pair of pattern.namedChildren) {
    const key = pair?.type === 'pair_pattern' ? pair.childForFieldName('key') : null;
    const value = pair?.childForFieldName('value');
    if (key && value?.type === 'identifier') renamed[textOf(value, text)] = textOf(key, text);
  }
  return renamed;
}

/** Only of the module itself: what functions hold is nobody else's. */
function constant(node: Node, text: string): DeclarationParts | undefined {
  const list = node.parent;
  const holder = list?.parent?.type === 'export_statement' ? list.parent.parent : list?.parent;
  const value = node.childForFieldName('value');
  const name = node.childForFieldName('name');
  if (!list || holder?.type !== 'program' || name?.type !== 'identifier' || !value || /function|arrow|class/.test(value.type) || /^(?:await\s+import|require)\b/.test(textOf(value, text))) return undefined;
  return { kind: 'constant', name: textOf(name, text), whole: outermost(list, ['export_statement']) };
}

function boundNames(pattern: Node, text: string): string[] {
  if (pattern.type === 'identifier' || pattern.type === 'shorthand_property_identifier_pattern') return [textOf(pattern, text)];
  if (pattern.type === 'pair_pattern') {
    const value = pattern.childForFieldName('value');
    return value ? boundNames(value, text) : [];
  }
  if (pattern.type === 'object_assignment_pattern' || pattern.type === 'assignment_pattern') {
    const left = pattern.childForFieldName('left');
    return left ? boundNames(left, text) : [];
  }
  if (pattern.type === 'object_pattern' || pattern.type === 'array_pattern' || pattern.type === 'rest_pattern') {
    return pattern.namedChildren.flatMap((child) => (child ? boundNames(child, text) : []));
  }
  return [];
}

/** JavaScript, TypeScript and TSX: their grammars share what is asked for here. */
export const JAVASCRIPT: LanguageOutline = {
  openBodies: 'braces',
  functions: {
    function_declaration: declaration,
    generator_function_declaration: declaration,
    function_expression: functionExpression,
    generator_function: functionExpression,
    arrow_function: functionExpression,
    method_definition: method,
  },
  declarations: {
    class_declaration: type,
    abstract_class_declaration: type,
    interface_declaration: type,
    enum_declaration: type,
    type_alias_declaration: type,
    function_signature: signature,
    method_signature: signature,
    abstract_method_signature: signature,
    variable_declarator: constant,
  },
  imports: {
    import_statement: importStatement,
    export_statement: exportFrom,
    call_expression: requireCall,
  },
  calls: {
    call_expression: (node, text) => dottedName(node.childForFieldName('function'), text, CHAIN),
    new_expression: (node, text) => dottedName(node.childForFieldName('constructor'), text, CHAIN),
  },
};
