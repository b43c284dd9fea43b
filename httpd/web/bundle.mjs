// Bundles the page: index.html, and scripts and styles as one file each; writes them, as they are and gzipped, as the C++
// that page/files.cpp includes; prints what the browser has to load.
// usage: bundle.mjs OPENAPI.json OUT
import { createHash } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
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

const made = await build({
  absWorkingDir: here, entryPoints: [{ in: 'app/main.tsx', out: 'app' }, { in: 'style/page.css', out: 'app' }], bundle: true, minify: true, write: false, outdir: 'out', format: 'iife',
  target: 'es2022', jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none', charset: 'utf8', logLevel: 'warning',
});
const bundled = (end) => Buffer.from(made.outputFiles.find((file) => file.path.endsWith(end)).contents);

const files = [
  ['/', 'text/html; charset=utf-8', readFileSync(join(here, 'index.html'))],
  ['/page/app.js', 'text/javascript; charset=utf-8', bundled('.js')],
  ['/page/app.css', 'text/css; charset=utf-8', bundled('.css')],
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

let total = 0;
const rows = files.map(([path, type, bytes]) => {
  const packed = gzipSync(bytes, { level: 9 });
  total += packed.length;
  const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  return `{${JSON.stringify(path)}, ${JSON.stringify(type)}, "W/\\"${tag}\\"",\n${literal(bytes)},\n${literal(packed)}},\n`;
});
writeFileSync(`${out}.tmp`, `// Made by web/bundle.mjs.\nconstexpr bool kBuilt = true;\nconstexpr auto kFiles = std::to_array<File>({\n${rows.join('')}});\n`);
renameSync(`${out}.tmp`, out);
console.log(`tallyd: the page at / has ${(total / 1000).toFixed(1)} kB gzipped`);
