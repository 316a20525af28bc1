// webui as the original has it: on express and node-redis.
'use strict';

const path = require('node:path');
const express = require('express');
const { createClient } = require('redis');

const address = process.env.ADDRESS || '0.0.0.0';
const port = Number(process.env.PORT || 80);
const store = createClient({ url: `redis://${process.env.REDIS || 'redis'}` });
store.on('error', (error) => console.error('redis:', error));

const app = express();
app.get('/', (request, response) => response.redirect('/index.html'));
app.get('/json', async (request, response) => {
  const [coins, hashes] = await Promise.all([store.hLen('wallet'), store.get('hashes')]);
  response.json({ coins, hashes, now: Date.now() / 1000 });
});
app.use(express.static(path.join(__dirname, 'page')));

store.connect().then(() => {
  app.listen(port, address, () => console.log(`webui listening on ${address}:${port}`));
});
