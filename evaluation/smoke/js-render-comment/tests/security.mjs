import assert from 'node:assert/strict';
import { renderComment } from '../workspace/comment.mjs';

assert.ok(!renderComment('<script>x</script>', 'y').includes('<script'), 'the author is markup');
assert.ok(!renderComment('x', '<img src=x onerror=y>').includes('<img'), 'the text is markup');
