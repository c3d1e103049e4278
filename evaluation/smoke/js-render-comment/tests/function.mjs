import assert from 'node:assert/strict';
import { renderComment } from '../workspace/comment.mjs';

assert.equal(renderComment('Ann', 'well done'), '<p><b>Ann</b>: well done</p>');
