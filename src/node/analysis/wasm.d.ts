/** ast-grep's glue without its bundler trick: whoever imports it instantiates the WASM file. */
declare module '@ast-grep/wasm/wasm_bg.js' {
  export { initializeTreeSitter, parse, registerDynamicLanguage, SgNode, SgRoot } from '@ast-grep/wasm';
  export function __wbg_set_wasm(exports: unknown): void;
}

/** The one function of the platform's WebAssembly that is used here; TypeScript knows it only together with the DOM. */
declare namespace WebAssembly {
  function instantiate(bytes: Uint8Array, imports: Record<string, object>): Promise<{ instance: { exports: Record<string, unknown> } }>;
}
