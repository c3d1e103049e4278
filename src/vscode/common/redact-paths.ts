/** Takes folders that say who and where the user is out of a text: known folders become their name, other homes `~`. */
export function redactPaths(text: string, folders: readonly { readonly path: string; readonly name: string }[]): string {
  let result = text;
  // The longest first: a workspace usually lies in the home folder.
  for (const { path, name } of [...folders].sort((a, b) => b.path.length - a.path.length)) {
    if (path.length < 2) continue;
    for (const form of new Set([path, path.replaceAll('\\', '/'), path.replaceAll('\\', '\\\\'), encodeURI(path.replaceAll('\\', '/'))])) {
      // Not inside a longer name: /home/ann is not part of /home/anna.
      result = result.replace(new RegExp(`${escape(form)}(?![\\w.-])`, /^[A-Za-z]:/.test(path) ? 'gi' : 'g'), () => name);
    }
  }
  return result.replace(/([\\/])(home|Users)([\\/]+)[^\\/\s"'`:;,)]+/g, '$1$2$3~');
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
