import { type ChainTypes, dottedName, type LanguageOutline, outermost, textOf, typeDeclaration } from './language-outline.ts';

const CHAIN: ChainTypes = {
  links: {
    attribute: { name: 'attribute', next: 'object' },
    call: { next: 'function' },
    subscript: { next: 'value' },
    await: { next: 'expression', orFirst: true },
    parenthesized_expression: { next: 'expression', orFirst: true },
  },
  ends: ['identifier'],
};

export const PYTHON: LanguageOutline = {
  openBodies: 'indented',
  functions: {
    function_definition: (node, text) => {
      const name = node.childForFieldName('name');
      const body = node.childForFieldName('body');
      if (!body) return undefined;
      return { name: name ? textOf(name, text) : '', whole: outermost(node, ['decorated_definition']), header: node, body };
    },
    // A lambda is a function to point at only where it has a name.
    lambda: (node, text) => {
      const assignment = node.parent?.type === 'assignment' ? node.parent : undefined;
      const name = assignment?.childForFieldName('left');
      const body = node.childForFieldName('body');
      if (!assignment || !name || !body) return undefined;
      return { name: textOf(name, text), whole: assignment, body };
    },
  },
  declarations: {
    class_definition: typeDeclaration(['decorated_definition']),
    assignment: (node, text) => {
      const name = node.childForFieldName('left');
      // Of assignments only those of the module itself: names that others import.
      if (name?.type !== 'identifier' || node.parent?.parent?.type !== 'module' || node.childForFieldName('right')?.type === 'lambda') return undefined;
      return { name: textOf(name, text), kind: 'constant', whole: node };
    },
  },
  imports: {
    import_statement: (node, text) =>
      node.childrenForFieldName('name').flatMap((child) => {
        const alias = child?.childForFieldName('alias');
        const module = child?.childForFieldName('name') ?? child;
        if (!module) return [];
        const written = textOf(module, text);
        return [{ module: written, names: [alias ? textOf(alias, text) : (written.split('.')[0] ?? written)] }];
      }),
    import_from_statement: (node, text) => {
      const module = node.childForFieldName('module_name');
      if (!module) return [];
      const renamed: Record<string, string> = {};
      const names = node.childrenForFieldName('name').flatMap((child) => {
        const alias = child?.childForFieldName('alias');
        const own = child?.childForFieldName('name');
        if (alias && own) renamed[textOf(alias, text)] = textOf(own, text);
        const bound = alias ?? child;
        return bound ? [textOf(bound, text)] : [];
      });
      return [{ module: textOf(module, text).replace(/\s+/g, ''), names, ...(Object.keys(renamed).length > 0 ? { renamed } : {}) }];
    },
  },
  calls: {
    call: (node, text) => dottedName(node.childForFieldName('function'), text, CHAIN),
    // `@app.route(...)` is a call and found as one; `@property` is one without parentheses.
    decorator: (node, text) => (node.namedChild(0)?.type === 'call' ? undefined : dottedName(node.namedChild(0), text, CHAIN)),
  },
};
