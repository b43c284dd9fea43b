// The hand's way round over what is kept of segments.
#include "core/segment/kept_segments.hpp"

#include <cstring>
#include <utility>

namespace tally {
namespace {

// Of the maps and the ring, about; and a header's columns, as they are read, take about as much as its bytes.
constexpr std::size_t bytes_beside_an_entry = 128;

}  // namespace

KeptSegment::Header KeptSegment::find_header() {
    const auto found = entries_.find(header_entry);
    if (found == entries_.end()) return nullptr;
    found->second.used = true;
    return header_;
}

KeptSegment::Block KeptSegment::find(std::uint32_t block) {
    const auto found = entries_.find(block);
    if (found == entries_.end()) return nullptr;
    found->second.used = true;
    return found->second.bytes;
}

void KeptSegment::keep_header(Header header) {
    const std::size_t size = 2 * header->bytes.size();
    header_ = std::move(header);
    all_.add(*this, header_entry, {nullptr, size + bytes_beside_an_entry, false});
}

void KeptSegment::keep(std::uint32_t block, Bytes bytes) {
    const std::shared_ptr<std::byte[]> copy(new std::byte[bytes.size() + 1]);  // of an empty block too, an address
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    all_.add(*this, block, {copy, bytes.size() + bytes_beside_an_entry, false});
}

std::shared_ptr<KeptSegment> KeptSegments::open(const SegmentKey& key) {
    const auto found = segments_.find(key);
    return found != segments_.end() ? found->second : std::make_shared<KeptSegment>(*this, key);
}

void KeptSegments::add(KeptSegment& segment, std::uint32_t number, KeptSegment::Entry entry) {
    const std::size_t size = entry.size;
    make_room(size);
    const std::shared_ptr<KeptSegment> shared = segment.shared_from_this();
    segments_.try_emplace(segment.key_, shared);
    ring_.push_back({shared, number});
    segment.entries_[number] = std::move(entry);
    bytes_ += size;
}

void KeptSegments::make_room(std::size_t bytes) {
    while (bytes_ + bytes > most_bytes_ && !ring_.empty()) {
        const Place place = std::move(ring_.front());
        ring_.pop_front();
        KeptSegment& segment = *place.segment;
        const auto entry = segment.entries_.find(place.entry);
        if (entry == segment.entries_.end()) continue;  // there was no memory for it
        if (std::exchange(entry->second.used, false)) {
            ring_.push_back(place);
            continue;
        }
        bytes_ -= entry->second.size;
        segment.entries_.erase(entry);
        if (place.entry == KeptSegment::header_entry) segment.header_.reset();
        if (!segment.entries_.empty()) continue;
        const auto listed = segments_.find(segment.key_);
        if (listed != segments_.end() && listed->second == place.segment) segments_.erase(listed);
    }
}

}  // namespace tally
