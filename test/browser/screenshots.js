// `make screenshots`: writes the picture that the README shows: a metric's page, of a store with the usage of a small cloud.
// usage: screenshots.js FILE.png      (environment: as test/browser/lib.js)
'use strict';

const fs = require('node:fs');
const { Browser, missing } = require('./lib.js');
const http = require('../http/lib.js');
const sample = require('./sample.js');

const most = 200000;

async function main(file) {
  const why = missing();
  if (why) throw new Error(why);
  const s = await http.setUp();
  let b;
  try {
    s.cluster.psql("UPDATE tally.tenant SET name = 'Acme Cloud'");
    await sample.load(async (method, target, body) => {
      const answer = await http.call(s.url, s.key, method, target, body);
      if (answer.status >= 300) throw new Error(answer.text);
      return answer.json;
    });
    const { data } = (await http.call(s.url, s.key, 'GET', '/api/v1/metrics?search=GPU')).json;
    b = await Browser.start(s.url);
    const page = await b.open({ key: s.key, hash: `/metrics/${data[0].id}`, width: 1200, height: 900 });
    await page.locator('.plot canvas').waitFor();
    await page.locator('tbody tr').first().waitFor();
    await page.screenshot({ path: file });
    b.check();
  } finally {
    await b?.stop();
    await s.close();
  }
  const { size } = fs.statSync(file);
  if (size >= most) throw new Error(`${file} has ${size} bytes; it must have less than ${most}`);
  console.log(`${file}: ${size} bytes`);
}

main(process.argv[2]).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
