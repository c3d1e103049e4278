import * as http from 'node:http';

/**
 * Lets requests of this process go through the proxy that HTTPS_PROXY, HTTP_PROXY and NO_PROXY name, as other command-line
 * tools do; Node does not by itself. This machine is always reached directly. For the command line only: an editor has proxy settings of its own. Returns what undoes
 * it, or `undefined` where no proxy is named or this Node cannot do it.
 */
export function useProxyOfEnvironment(env: NodeJS.ProcessEnv): (() => void) | undefined {
  const named = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY'].some((name) => env[name]?.trim());
  // Newer than the types of the Node versions that are supported.
  const set: unknown = Reflect.get(http, 'setGlobalProxyFromEnv');
  if (!named || typeof set !== 'function') return undefined;
  const { no_proxy: lower, NO_PROXY: upper, ...rest } = env;
  const direct = [lower ?? upper, 'localhost', '127.0.0.1', '::1'].filter(Boolean).join(',');
  const undo: unknown = set.call(http, { ...rest, NO_PROXY: direct });
  return () => void (typeof undo === 'function' && undo());
}
