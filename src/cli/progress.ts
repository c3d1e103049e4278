/** One line on stderr that is written over, at most ten times a second; nothing where stderr is no terminal. */
export function progressLine(stream: NodeJS.WriteStream = process.stderr): { show(text: string): void; end(): void } {
  let last = 0;
  return {
    show(text) {
      const now = performance.now();
      if (!stream.isTTY || now - last < 100) return;
      last = now;
      stream.write(`\r\u001b[K${text.slice(0, Math.max(20, (stream.columns || 80) - 1))}`);
    },
    end() {
      if (stream.isTTY && last > 0) stream.write('\r\u001b[K');
    },
  };
}
