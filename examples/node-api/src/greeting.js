'use strict';

const DEFAULT_NAME = 'friend';

/** Answers with a page that has one heading: "Hello", and the name from the query, or "friend" where there is none. */
function showGreeting(req, res) {
  
}

module.exports = { showGreeting, DEFAULT_NAME };
