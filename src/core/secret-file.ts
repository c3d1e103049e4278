/** Files whose content never leaves the machine: they hold keys by their name. */
const SECRET_NAMES: readonly RegExp[] = [
  /^\.env(?:\..+)?$/i,
  /\.(?:pem|key|p12|pfx|jks|keystore|kdbx|asc|gpg)$/i,
  /^id_(?:rsa|dsa|ecdsa|ed25519)(?:\..*)?$/i,
  /^\.?(?:netrc|npmrc|pypirc|pgpass|htpasswd|git-credentials|dockercfg)$/i,
  /^(?:credentials|secrets?)(?:\.(?:json|ya?ml|toml|ini|txt|env|xml|properties))?$/i,
  /^\.?aws[\\/]credentials$/i,
];
const HARMLESS = /^\.env\.(?:example|sample|template|dist)$/i;

/** Why SafeNote refuses a file, or `undefined` for an ordinary one. Goes by the name alone; nothing is read. */
export function secretFileReason(path: string): string | undefined {
  const name = path.split(/[\\/]/).at(-1) ?? '';
  if (HARMLESS.test(name)) return undefined;
  return SECRET_NAMES.some((pattern) => pattern.test(name)) ? `${name} is a file for keys and secrets by its name, so SafeNote sends nothing of it to a model.` : undefined;
}
