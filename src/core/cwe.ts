/** CWE ids are written `CWE-89`; `CWE-089`, `cwe 89` and `external/cwe/cwe-089` are read. */
export function normalizeCwe(text: string): string | undefined {
  const number = /cwe[-_ ]?0*(\d{1,5})\b/i.exec(text)?.[1];
  return number ? `CWE-${number}` : undefined;
}

/** Every CWE named in any of the texts, normalized, without repeats, in order. */
export function cwesIn(texts: readonly string[]): string[] {
  const found = texts.map(normalizeCwe).filter((cwe) => cwe !== undefined);
  return [...new Set(found)];
}
