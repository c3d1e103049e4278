import type { KnowledgeBase } from '../../src/core/knowledge/knowledge.ts';

export function readKnowledge(root: string): Promise<{ readonly knowledge: KnowledgeBase; readonly problems: readonly string[]; readonly undescribed: readonly string[] }>;
