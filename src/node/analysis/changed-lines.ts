/** Above this many cells the middle of two texts counts as changed throughout. */
const MAX_CELLS = 4_000_000;

/**
 * Rows (from 0) of `after` that `before` does not have, white space at the ends aside; where nothing was added, the rows
 * around what was taken away. Empty where the texts are the same.
 */
export function changedRows(before: string, after: string): Set<number> {
  const a = before.split('\n').map((line) => line.trim());
  const b = after.split('\n').map((line) => line.trim());
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let endA = a.length;
  let endB = b.length;
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--;
    endB--;
  }
  const added = new Set<number>();
  const around = new Set<number>();
  const n = endA - start;
  const m = endB - start;
  if (n === 0 && m === 0) return added;
  if (n === 0 || n * m > MAX_CELLS) {
    for (let row = start; row < endB; row++) added.add(row);
  } else {
    // Longest common subsequence, from the end, so that it is read off from the start.
    const width = m + 1;
    const lengths = new Uint16Array((n + 1) * width);
    const at = (i: number, j: number) => lengths[i * width + j] ?? 0;
    for (let i = n - 1; i >= 0; i--) {
      for (let j = m - 1; j >= 0; j--) lengths[i * width + j] = a[start + i] === b[start + j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
    let i = 0;
    let j = 0;
    while (i < n || j < m) {
      if (i < n && j < m && a[start + i] === b[start + j]) {
        i++;
        j++;
      } else if (j < m && (i === n || at(i, j + 1) >= at(i + 1, j))) added.add(start + j++);
      else {
        around.add(start + j - 1).add(start + j);
        i++;
      }
    }
  }
  for (const row of added) if (!b[row]) added.delete(row);
  return added.size > 0 ? added : around;
}
