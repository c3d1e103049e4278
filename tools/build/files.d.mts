export function filesBelow(folder: string, suffix?: string): Promise<string[]>;
export function writeIfChanged(file: string, content: string | Uint8Array, options?: { mode?: number }): Promise<boolean>;
export function copyIfChanged(from: string, to: string): Promise<boolean>;
export function removeOthers(folder: string, keep: readonly string[]): Promise<void>;
export function sha256(bytes: string | Uint8Array): string;
