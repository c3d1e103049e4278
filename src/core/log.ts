/** Port: where SafeNote says what it does. Never gets source code, keys or prompts; those are shown on demand only. */
export interface Logger {
  debug(message: string, ...details: unknown[]): void;
  info(message: string, ...details: unknown[]): void;
  warn(message: string, ...details: unknown[]): void;
  error(message: string, ...details: unknown[]): void;
}

export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
