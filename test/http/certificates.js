// Helper of the HTTP tests: self-signed certificates.
'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

// A certificate of its own name, for 127.0.0.1; openssl, or GnuTLS's certtool where that is what a machine has.
function makeCertificate(folder, name) {
  const cert = path.join(folder, `${name}.crt`);
  const key = path.join(folder, `${name}.key`);
  const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert], { encoding: 'utf8' });
  if (made.error) {
    const template = path.join(folder, `${name}.tmpl`);
    fs.writeFileSync(template, `cn = "${name}"\nip_address = 127.0.0.1\nexpiration_days = 2\ntls_www_server\n`);
    spawnSync('certtool', ['--generate-privkey', '--key-type=ecdsa', '--no-text', '--outfile', key]);
    const signed = spawnSync('certtool', ['--generate-self-signed', '--load-privkey', key, '--template', template, '--no-text', '--outfile', cert], { encoding: 'utf8' });
    assert.equal(signed.status, 0, signed.stderr || String(signed.error));
  } else {
    assert.equal(made.status, 0, made.stderr);
  }
  return { cert, key };
}

// One that was good for a day of 2020. openssl only; answers nothing where there is none.
function makeExpiredCertificate(folder, name) {
  const { cert, key } = makeCertificate(folder, name);
  const file = (ending) => path.join(folder, `${name}.${ending}`);
  fs.writeFileSync(file('index'), '');
  fs.writeFileSync(file('cnf'), `[ca]\ndefault_ca=old\n[old]\ndatabase=${file('index')}\nnew_certs_dir=${folder}\nrand_serial=yes\ndefault_md=sha256\npolicy=any\n`
    + 'x509_extensions=more\n[any]\ncommonName=supplied\n[more]\nsubjectAltName=IP:127.0.0.1\nbasicConstraints=CA:TRUE\n[req]\ndistinguished_name=name\n[name]\n');
  const openssl = (...args) => spawnSync('openssl', args, { encoding: 'utf8' });
  const asked = openssl('req', '-new', '-config', file('cnf'), '-subj', `/CN=${name}`, '-key', key, '-out', file('csr'));
  if (asked.error) return undefined;
  const signed = openssl('ca', '-config', file('cnf'), '-batch', '-notext', '-selfsign', '-keyfile', key, '-startdate', '20200101000000Z',
    '-enddate', '20200102000000Z', '-in', file('csr'), '-out', cert);
  assert.equal(signed.status, 0, asked.stderr + signed.stderr);
  return { cert, key };
}

module.exports = { makeCertificate, makeExpiredCertificate };
