// Memory for texts and small arrays that all go at once: what is put in stays where it is until the arena is cleared or
// ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace tally {

class TextArena {
public:
    TextArena() = default;
    TextArena(const TextArena&) = delete;
    TextArena& operator=(const TextArena&) = delete;
    TextArena(TextArena&&) = default;
    TextArena& operator=(TextArena&&) = default;

    // Room for `size` bytes, aligned for every fundamental type.
    std::byte* allocate(std::size_t size) {
        const std::size_t gap = (alignment - reinterpret_cast<std::uintptr_t>(at_) % alignment) % alignment;
        if (gap + size > left_) return take(size, true);
        at_ += gap;
        left_ -= gap;
        return take(size);
    }
    // Texts lie side by side.
    std::string_view keep(std::string_view text) {
        if (text.empty()) return {};
        char* const room = reinterpret_cast<char*>(take(text.size()));
        std::memcpy(room, text.data(), text.size());
        return {room, text.size()};
    }
    template <typename Element>
    std::span<Element> array(std::size_t count) {
        static_assert(std::is_trivially_destructible_v<Element> && alignof(Element) <= alignment);
        auto* const first = reinterpret_cast<Element*>(allocate(count * sizeof(Element)));
        std::uninitialized_default_construct_n(first, count);
        return {first, count};
    }

    // Bytes taken from the system.
    std::size_t size() const noexcept { return size_; }

    // Forgets everything that was put in; keeps the newest chunk.
    void clear() noexcept {
        if (chunks_.empty()) return;
        chunks_.front() = std::move(chunks_.back());
        chunks_.resize(1);
        at_ = chunks_.front().memory.get();
        left_ = size_ = chunks_.front().size;
    }

private:
    static constexpr std::size_t alignment = 16;
    static constexpr std::size_t chunk_bytes = 64 * 1024;

    struct Chunk {
        std::unique_ptr<std::byte[]> memory;
        std::size_t size = 0;
    };

    std::byte* take(std::size_t size, bool from_new_chunk = false) {
        if (size > left_ || from_new_chunk) grow(size);
        std::byte* const room = at_;
        at_ += size;
        left_ -= size;
        return room;
    }

    // A chunk of memory begins aligned.
    void grow(std::size_t size) {
        const std::size_t wanted = size > chunk_bytes / 4 ? size : chunk_bytes;
        chunks_.push_back({std::unique_ptr<std::byte[]>(new std::byte[wanted]), wanted});
        at_ = chunks_.back().memory.get();
        left_ = wanted;
        size_ += wanted;
    }

    std::vector<Chunk> chunks_;
    std::byte* at_ = nullptr;
    std::size_t left_ = 0;
    std::size_t size_ = 0;
};

}  // namespace tally
