export function makeNotices(root: string, inputs: readonly string[]): Promise<string>;
