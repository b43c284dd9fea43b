// Bundles the page and the description of the API at /docs: of each its HTML, and scripts and styles as one file each; writes
// them, as they are and gzipped, as the C++ that page/files.cpp includes; prints what the browser has to load.
// usage: bundle.mjs OPENAPI.json OUT
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import zopfli from '@gfx/zopfli';
import { build } from 'esbuild';
import { typesOf } from './types.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const [document, out] = process.argv.slice(2);

// Types of what the API takes and answers, of its own description: tsc checks the page against them.
const types = typesOf(JSON.parse(readFileSync(document, 'utf8')));
const typesFile = join(here, 'types.d.ts');
if (types !== readOr(typesFile)) writeFileSync(typesFile, types);

function readOr(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

// uPlot without what no chart of ours has: steps and splines, scales that are not linear, its own legend, plots in step,
// texts of times (ticks are ours), points under the cursor, what is dragged, series that come and go, ranges that it finds by itself, gaps, bands, and charts that move together. Its version is fixed by the lock file; a new one has to be looked at anew.
const idle = [
  'initLegendRow', 'setLegend', 'timeAxisVals', 'mouseDown', 'mouseUp', 'addSeries', 'delSeries', 'setSeries', 'setFocus', 'clipBandLine', 'dblClick',
  'rangeLog', 'rangeAsinh', '_rangeNum', 'findGaps', 'clipGaps', 'cursorPointShow', 'pubSync', 'timeAxisStamps', 'setBand', 'addBand', 'delBand',
];
const slim = {
  name: 'slim',
  setup(setup) {
    setup.onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => {
      let text = readFileSync(path, 'utf8');
      const cuts = [
        [/\(paths\.(stepped|spline) *= \w+\);/g, ''], [/^\t?uPlot\.(sync|fmtDate|fmtNum|join|assign|range\w+|orient|addGap|clipGaps) *= \w+;/gm, ''],
        [/= \(opts\.fmtDate \|\| fmtDate\)|= fmtDate\(dateTpl\)/g, '= () => () => ""'],
        [/\b(\w+\.)?distr *(== *(3|4|100)|>= 3)/g, 'false'], [/legend\.(live|show)\b(?! *=[^=])/g, 'false'],
        [/\bmode == 2/g, 'false'], [/\bmode == 1/g, 'true'], [/if \(i > 0 && s\.show\)(?= \{\n\t+let xPos2)/g, 'if (false)'],
        [/if \((cursorOnePt|select\.show && dragging|src != null|opts\.title)\)/g, 'if (false)'], [/\b(showLegend|multiValLegend|cursorFocus|syncKey != null)\b(?! *=[^=])/g, 'false'],
        [/= bandFillClipDirs\(.*\);/g, '= [0, 0];'], [/if \(bandClipDir != 0\)/g, 'if (false)'], [/flags != 0 && bands\.forEach\(/g, 'false && bands.forEach('],
        [/\bms == 1\b/g, 'false'], [/opts\.ms \|\| 1e-3/g, '1e-3'], [/genTimeStuffs\(1\)/g, '[]'], [/const _timeAxisStamps = \[[^]*?\n\t\];/g, 'const _timeAxisStamps = 0;'],
      ];
      for (const [what, by] of cuts) {
        if (!what.test(text)) throw new Error(`uPlot has no ${what} any more`);
        text = text.replace(what, by);
      }
      // Bodies of functions that nothing of ours calls.
      for (const name of idle) {
        const body = new RegExp(`^(\\t*)function ${name}\\(.*\\{\\n[^]*?\\n\\1\\}`, 'm');
        if (!body.test(text)) throw new Error(`uPlot has no ${name} any more`);
        text = text.replace(body, `$1function ${name}() {}`);
      }
      return { contents: text };
    });
  },
};

const made = await build({
  absWorkingDir: here, bundle: true, minify: true, write: false, outdir: 'out', format: 'iife',
  entryPoints: ['app', 'docs'].flatMap((out) => [{ in: `${out}/main.tsx`, out }, { in: `style/${out}.css`, out }]),
  // What /docs shows is the very document that this tallyd serves.
  plugins: [slim], alias: { 'api-document': resolve(document) },
  target: 'es2022', jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none', charset: 'utf8', logLevel: 'warning',
});
const bundled = (end) => Buffer.from(made.outputFiles.find((file) => file.path.endsWith(`/${end}`)).contents);

const files = [
  ['/', 'text/html; charset=utf-8', readFileSync(join(here, 'index.html'))],
  ['/docs', 'text/html; charset=utf-8', readFileSync(join(here, 'docs.html'))],
  ...['app', 'docs'].flatMap((name) => [
    [`/page/${name}.js`, 'text/javascript; charset=utf-8', bundled(`${name}.js`)],
    [`/page/${name}.css`, 'text/css; charset=utf-8', bundled(`${name}.css`)],
  ]),
  ['/page/icon.svg', 'image/svg+xml', readFileSync(join(here, 'icon.svg'))],
];

// A literal in pieces: every byte that is not plain text as three octal digits.
function literal(bytes) {
  const pieces = [];
  for (let at = 0; at < bytes.length; at += 120) {
    let piece = '';
    for (const byte of bytes.subarray(at, at + 120)) {
      const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      piece += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    }
    pieces.push(`"${piece}"`);
  }
  return `${pieces.join('\n')}sv`;
}

const totals = { page: 0, docs: 0 };
const rows = [];
for (const [path, type, bytes] of files) {
  // What any gzip reads, 4 % smaller than what gzip writes.
  const packed = Buffer.from(await zopfli.gzipAsync(bytes, { numiterations: 15 }));
  totals[path.includes('docs') ? 'docs' : 'page'] += packed.length;
  const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  rows.push(`{${JSON.stringify(path)}, ${JSON.stringify(type)}, "W/\\"${tag}\\"",\n${literal(bytes)},\n${literal(packed)}},\n`);
}
writeFileSync(`${out}.tmp`, `// Made by web/bundle.mjs.\nconstexpr bool kBuilt = true;\nconstexpr auto kFiles = std::to_array<File>({\n${rows.join('')}});\n`);
renameSync(`${out}.tmp`, out);
const size = (bytes) => `${(bytes / 1000).toFixed(1)} kB gzipped`;
console.log(`tallyd: the page at / has ${size(totals.page)}, /docs has ${size(totals.docs)}`);
