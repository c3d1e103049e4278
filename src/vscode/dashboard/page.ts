/** The policy of the dashboard's page: its own script and its own style sheet, each by number, and nothing else at all. */
export function dashboardPolicy(nonce: string): string {
  return `default-src 'none'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; img-src 'none'; font-src 'none'; connect-src 'none'; form-action 'none'; base-uri 'none'`;
}

/** The page as the editor gets it. Everything in it is made by the script; without it there is a sentence. */
export function dashboardPage(o: { readonly nonce: string; readonly script: string; readonly style: string }): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${attribute(dashboardPolicy(o.nonce))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SafeNote Dashboard</title>
<link rel="stylesheet" nonce="${attribute(o.nonce)}" href="${attribute(o.style)}">
</head>
<body>
<main id="dashboard" aria-busy="true"><p class="faint">Reading the notebook…</p></main>
<script nonce="${attribute(o.nonce)}" src="${attribute(o.script)}"></script>
</body>
</html>
`;
}

function attribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
