/** When the extension's code began to run, in milliseconds of this process; imported first, so that loading counts too. */
export const startedAt = performance.now();
