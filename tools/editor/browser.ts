// Chromium, driven by Playwright.
import { chromium, type Browser } from 'playwright-core';
import { findChromium } from '../setup/chromium.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'];

/** Starts a browser without a window (`HEADED=1`: with one). Throws when there is none. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = await findChromium();
  if (!executablePath) throw new Error('No Chromium was found. Run: npm run setup -- --only=chromium');
  return chromium.launch({ executablePath, headless: process.env['HEADED'] !== '1', args: FLAGS });
}
