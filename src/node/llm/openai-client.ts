/** What is used of the `openai` package. A bundle of its own (`dist/openai-client.js`), loaded before the first request. */
export { OpenAI } from 'openai/client';
export { Stream } from 'openai/core/streaming';
