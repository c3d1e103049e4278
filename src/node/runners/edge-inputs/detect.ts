import type { SyntaxParser } from '../../../core/syntax/outline.ts';
import type { Detected, Project } from '../runner.ts';
import { detectEdgeJavascript } from './javascript.ts';
import { detectEdgePython } from './python.ts';

/**
 * Inputs that nobody thought of, for changed functions whose signature says what may come and whose body does nothing but
 * compute: a library of the workspace's own makes them. An error that the function raises on purpose is an answer; any
 * other, and no answer at all, is a failure.
 */
export function detectEdgeInputs(project: Project, parser: SyntaxParser, signal: AbortSignal): Promise<Detected> {
  switch (project.document.language) {
    case 'python':
      return detectEdgePython(project, signal);
    case 'javascript':
    case 'typescript':
      return detectEdgeJavascript(project, parser, signal);
    default:
      return Promise.resolve({ unavailable: 'edge inputs are made for Python, JavaScript and TypeScript' });
  }
}
