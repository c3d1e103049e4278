/** Anything that can be ended. Structurally the editor's own type, so that rooms without `vscode` can use it too. */
export interface Disposable {
  dispose(): unknown;
}

/** Ends what it was given, last first. */
export class Disposables implements Disposable {
  private readonly items: Disposable[] = [];

  add<T extends Disposable>(item: T): T {
    this.items.push(item);
    return item;
  }

  dispose(): void {
    for (let item = this.items.pop(); item; item = this.items.pop()) item.dispose();
  }
}

/** Listeners of one kind of news. */
export class Listeners<T> {
  private readonly listeners = new Set<(value: T) => void>();

  on(listener: (value: T) => void): Disposable {
    const own = (value: T) => listener(value);
    this.listeners.add(own);
    return { dispose: () => this.listeners.delete(own) };
  }

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }
}
