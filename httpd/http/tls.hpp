// The certificate of the HTTPS side. libmicrohttpd asks for it at every handshake, so a new one is in force for the
// next connection, and connections under way go on with the one they began with.
#pragma once

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include <string>

namespace tallyd::tls {

// Protocol versions and ciphers, as GnuTLS writes them: TLS 1.3 and 1.2 only.
inline constexpr const char* kPriorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

// Reads both PEM files and puts them in force together. Empty: done. Else what is wrong with which file; then all stays
// as it was.
std::string load(const std::string& certificate_file, const std::string& key_file);

// For MHD_OPTION_HTTPS_CERT_CALLBACK; from any thread.
int choose(gnutls_session_t session, const gnutls_datum_t* authorities, int authority_count,
           const gnutls_pk_algorithm_t* algorithms, int algorithm_count, gnutls_pcert_st** certificates,
           unsigned* certificate_count, gnutls_privkey_t* key);

}  // namespace tallyd::tls
