// PostgreSQL's binary array format: see pg_array.hpp.
#include "db/pg_array.hpp"

namespace tallyd {

PgArray::PgArray(std::uint32_t element_type, std::uint32_t elements, std::size_t bytes_of_elements) {
    wire_.reserve(20 + 4 * std::size_t{elements} + bytes_of_elements);
    put(elements == 0 ? 0 : 1);
    put(0);
    put(element_type);
    if (elements == 0) return;
    put(elements);
    put(1);
}

void PgArray::add(std::string_view element) {
    put(static_cast<std::uint32_t>(element.size()));
    wire_ += element;
}

void PgArray::put(std::uint32_t value) {
    const char bytes[] = {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
                          static_cast<char>(value)};
    wire_.append(bytes, 4);
}

}  // namespace tallyd
