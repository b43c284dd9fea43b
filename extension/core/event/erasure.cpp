// See erasure.hpp.
#include "core/event/erasure.hpp"

#include <algorithm>
#include <utility>

#include "core/event/event_check.hpp"

namespace tally {
namespace {

constexpr std::string_view prefix = "erased-";
constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::string erased_event_id(const Hash128& identity) {
    std::string id(prefix);
    for (const std::uint8_t byte : identity) {
        id += digits[byte >> 4];
        id += digits[byte & 15];
    }
    return id;
}

std::optional<Hash128> erased_identity(std::string_view event_id) {
    Hash128 identity{};
    if (event_id.size() != prefix.size() + 2 * identity.size() || !event_id.starts_with(prefix)) return std::nullopt;
    const std::string_view hex = event_id.substr(prefix.size());
    for (std::size_t i = 0; i < hex.size(); ++i) {
        const std::size_t value = digits.find(hex[i]);
        if (value == std::string_view::npos) return std::nullopt;
        std::uint8_t& byte = identity[i / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
    }
    return identity;
}

Hash128 stored_identity(std::int32_t tenant_id, std::string_view customer_id, std::string_view source,
                        std::string_view event_id, FieldBytes& scratch) {
    if (const std::optional<Hash128> identity = erased_identity(event_id)) return *identity;
    return event_identity(tenant_id, customer_id, source, event_id, scratch);
}

Erasure::Erasure(std::vector<std::string> names, bool all_but_these)
    : names_(std::move(names)), all_but_these_(all_but_these) {
    std::sort(names_.begin(), names_.end());
}

bool Erasure::erases(std::string_view property) const {
    return std::binary_search(names_.begin(), names_.end(), property, std::less<>()) != all_but_these_;
}

bool Erasure::erases_any(std::span<const Property> properties) const {
    return std::any_of(properties.begin(), properties.end(), [&](const Property& property) { return erases(property.key); });
}

std::span<const Property> Erasure::rest(std::span<const Property> properties, TextArena& arena) const {
    const std::span<Property> kept = arena.array<Property>(properties.size());
    const auto end = std::copy_if(properties.begin(), properties.end(), kept.begin(),
                                  [&](const Property& property) { return !erases(property.key); });
    return kept.first(static_cast<std::size_t>(end - kept.begin()));
}

}  // namespace tally
