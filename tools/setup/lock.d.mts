export function withLock<T>(log: (line: string) => void, work: () => Promise<T>, file?: string): Promise<T>;
