'use strict';

const express = require('express');
const { showGreeting } = require('./greeting');
const { showSearch } = require('./search');

const app = express();
app.disable('x-powered-by');
app.get('/greeting', showGreeting);
app.get('/search', showSearch);

module.exports = { app };
