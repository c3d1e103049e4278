'use strict';

/** Answers with a page that repeats the search term from the query and says that nothing was found for it. */
function showSearch(req, res) {
  
}

module.exports = { showSearch };
