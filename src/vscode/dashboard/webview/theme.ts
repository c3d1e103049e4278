import { mix, type Palette } from '../charts.ts';

/** The editor's colours as the charts want them. */
export function palette(): Palette {
  const style = getComputedStyle(document.body);
  const read = (...names: readonly string[]): string => {
    for (const name of names) {
      const value = style.getPropertyValue(`--vscode-${name}`).trim();
      if (value) return value;
    }
    return '#808080';
  };
  const contrast = document.body.classList.contains('vscode-high-contrast');
  const background = mix('#ffffff', read('editor-background'), 1);
  const text = read('editor-foreground', 'foreground');
  const solid = (colour: string) => mix(background, colour, 1);
  const bad = solid(read('charts-red', 'errorForeground'));
  return {
    background,
    text,
    faintText: contrast ? text : solid(read('descriptionForeground', 'foreground')),
    cold: mix(background, text, contrast ? 0.12 : 0.07),
    hot: bad,
    onCold: text,
    onHot: text,
    line: background,
    font: style.getPropertyValue('--vscode-font-family').trim() || 'system-ui, sans-serif',
    good: solid(read('charts-green')),
    bad,
    caught: solid(read('charts-yellow')),
    unknown: mix(background, text, 0.45),
    sent: solid(read('charts-blue')),
    received: solid(read('charts-purple')),
    grid: mix(background, text, contrast ? 0.5 : 0.14),
    edge: contrast ? read('contrastBorder', 'editor-foreground') : '',
    focus: contrast ? read('contrastActiveBorder', 'focusBorder') : text,
  };
}

/** Calls back when the user changes the theme. */
export function onThemeChange(listener: () => void): void {
  new MutationObserver(listener).observe(document.body, { attributes: true, attributeFilter: ['class', 'data-vscode-theme-id', 'data-vscode-theme-kind'] });
  new MutationObserver(listener).observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
