// The certificate of the HTTPS side: see tls.hpp.
#include "http/tls.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace tallyd::tls {

namespace {

constexpr unsigned kLongestChain = 16;
constexpr std::size_t kLargestFile = 1 << 20;
// Longer than any handshake may take (--head-timeout): GnuTLS holds what it was given until then.
constexpr std::chrono::hours kKept{25};

using Clock = std::chrono::steady_clock;

struct Pair {
    Pair() = default;
    ~Pair() {
        for (unsigned at = 0; at < count; ++at) gnutls_pcert_deinit(&chain[at]);
        if (key) gnutls_privkey_deinit(key);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;

    std::array<gnutls_pcert_st, kLongestChain> chain{};
    unsigned count = 0;
    gnutls_privkey_t key = nullptr;
    Clock::time_point retired{};
};

// libmicrohttpd's callback carries no context of ours: one certificate per process.
std::mutex mutex;
std::unique_ptr<Pair> current;
std::vector<std::unique_ptr<Pair>> retired;

std::string read_file(const std::string& path, std::string& text) {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
    if (!file) return "cannot open " + path + ": " + std::strerror(errno);
    text.resize(kLargestFile + 1);
    text.resize(std::fread(text.data(), 1, text.size(), file.get()));
    if (std::ferror(file.get())) return "cannot read " + path + ": " + std::strerror(errno);
    if (text.size() > kLargestFile) return path + " is too large for a PEM file";
    return {};
}

gnutls_datum_t datum_of(std::string& text) noexcept {
    return {reinterpret_cast<unsigned char*>(text.data()), static_cast<unsigned>(text.size())};
}

using KeyId = std::array<unsigned char, 64>;

std::optional<KeyId> id_of(gnutls_pubkey_t key) noexcept {
    KeyId id{};
    std::size_t size = id.size();
    if (gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id.data(), &size) < 0) return std::nullopt;
    return id;
}

bool belong_together(const Pair& pair) {
    gnutls_pubkey_t half = nullptr;
    if (gnutls_pubkey_init(&half) < 0) return false;
    const std::unique_ptr<gnutls_pubkey_st, void (*)(gnutls_pubkey_t)> owner(half, gnutls_pubkey_deinit);
    if (gnutls_pubkey_import_privkey(half, pair.key, 0, 0) < 0) return false;
    const auto of_key = id_of(half);
    return of_key && of_key == id_of(pair.chain[0].pubkey);
}

std::string fill(Pair& pair, const std::string& certificate_file, const std::string& key_file) {
    std::string text;
    if (std::string wrong = read_file(certificate_file, text); !wrong.empty()) return wrong;
    gnutls_datum_t data = datum_of(text);
    unsigned count = kLongestChain;
    int code = gnutls_pcert_list_import_x509_raw(pair.chain.data(), &count, &data, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0) return certificate_file + " holds no PEM certificate: " + gnutls_strerror(code);
    pair.count = count;
    if (pair.count == 0) return certificate_file + " holds no PEM certificate";
    if (std::string wrong = read_file(key_file, text); !wrong.empty()) return wrong;
    data = datum_of(text);
    code = gnutls_privkey_init(&pair.key);
    if (code >= 0) code = gnutls_privkey_import_x509_raw(pair.key, &data, GNUTLS_X509_FMT_PEM, nullptr, 0);
    gnutls_memset(text.data(), 0, text.size());
    if (code < 0) return key_file + " holds no unencrypted PEM private key: " + gnutls_strerror(code);
    if (!belong_together(pair)) return "the key in " + key_file + " is not that of the certificate in " + certificate_file;
    return {};
}

}  // namespace

std::string load(const std::string& certificate_file, const std::string& key_file) {
    auto pair = std::make_unique<Pair>();
    if (std::string wrong = fill(*pair, certificate_file, key_file); !wrong.empty()) return wrong;
    const auto now = Clock::now();
    const std::lock_guard lock(mutex);
    std::erase_if(retired, [now](const auto& old) { return now - old->retired > kKept; });
    if (current) {
        current->retired = now;
        retired.push_back(std::move(current));
    }
    current = std::move(pair);
    return {};
}

int choose(gnutls_session_t, const gnutls_datum_t*, int, const gnutls_pk_algorithm_t*, int, gnutls_pcert_st** certificates,
           unsigned* certificate_count, gnutls_privkey_t* key) {
    const std::lock_guard lock(mutex);
    if (!current) return -1;
    *certificates = current->chain.data();
    *certificate_count = current->count;
    *key = current->key;
    return 0;
}

}  // namespace tallyd::tls
