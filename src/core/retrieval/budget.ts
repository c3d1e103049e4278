import { estimateTokens } from '../llm/model.ts';

/**
 * Takes items in order of relevance while they fit the token budget. Whole items only: half a note misleads. An item that
 * does not fit is left out and smaller, less relevant ones may still get in.
 */
export function withinBudget<T>(items: readonly T[], render: (item: T) => string, tokenBudget: number): T[] {
  let left = tokenBudget;
  return items.filter((item) => {
    const size = estimateTokens(render(item));
    if (size > left) return false;
    left -= size;
    return true;
  });
}
