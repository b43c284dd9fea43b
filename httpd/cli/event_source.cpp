// The bytes of a file of events: see event_source.hpp.
#include "cli/event_source.hpp"

#include <algorithm>
#include <string_view>

#include "cli/import_file.hpp"

namespace tallyd {

bool EventSource::fill() {
    from_.read(raw_.get(), kRaw);
    if (from_.bad()) throw UnreadableFile(" cannot be read");
    at_ = 0;
    end_ = static_cast<std::size_t>(from_.gcount());
    if (begun_) return end_ > 0;
    begun_ = true;
    const std::string_view begin(raw_.get(), end_);
    if (const auto coding = coding_of_file(begin)) inflater_ = Inflater::make(*coding, kWindow);
    if (!inflater_ && is_archive(begin)) throw UnreadableFile(kArchive);
    return end_ > 0;
}

std::size_t EventSource::read(char* data, std::size_t size) {
    for (;;) {
        const bool ended = at_ == end_ && !fill();
        if (!inflater_) {
            const std::size_t taken = std::min(size, end_ - at_);
            std::copy_n(raw_.get() + at_, taken, data);
            at_ += taken;
            position_ += taken;
            return taken;
        }
        try {
            const Inflater::Step step = inflater_->step(raw_.get() + at_, end_ - at_, data, size);
            at_ += step.taken;
            position_ += step.taken;
            if (step.given > 0) return step.given;
            if (!ended) continue;
            if (inflater_->whole()) return 0;
        } catch (const InflateError& error) {
            throw UnreadableFile(std::string(" ") + error.what());
        }
        throw UnreadableFile(" ends too early: it was cut");
    }
}

bool EventSource::seek(std::uint64_t offset) {
    const bool inflated = inflates();
    from_.clear();
    from_.seekg(inflated || !begun_ ? 0 : static_cast<std::streamoff>(offset));
    at_ = end_ = 0;
    position_ = inflated || !begun_ ? 0 : offset;
    if (!from_) return false;
    if (begun_ && !inflated) return true;
    // Of what was inflated nobody knows where a byte lies: up to it all is read anew.
    begun_ = false;
    inflater_.reset();
    char skipped[4096];
    while (offset > 0) {
        const std::size_t got = read(skipped, std::min<std::uint64_t>(offset, sizeof skipped));
        if (got == 0) return false;
        offset -= got;
    }
    return true;
}

}  // namespace tallyd
