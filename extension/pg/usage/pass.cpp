// The pass: partitions and voided seqs first, then recent events one by one and segments by columns.
#include "pg/usage/pass.hpp"

#include <algorithm>

#include "core/segment/reader.hpp"
#include "core/usage/row_values.hpp"
#include "core/usage/segment_count.hpp"

#include "pg/segment/segment_bytes.hpp"
#include "pg/usage/segments.hpp"

namespace tally {
namespace {

constexpr std::size_t hash_tables = 8;

// What any of the questions reads of an event, and for each question where its own are among them.
class SharedKeys {
public:
    explicit SharedKeys(std::span<UsageCount* const> counts) {
        for (const UsageCount* count : counts) {
            std::vector<std::size_t>& places = places_.emplace_back();
            for (const PropertyKey& key : count->question().rule->keys()) {
                auto found = std::find_if(keys_.begin(), keys_.end(),
                                          [&](const PropertyKey& known) { return known.text() == key.text(); });
                if (found == keys_.end()) found = keys_.insert(keys_.end(), key);
                places.push_back(static_cast<std::size_t>(found - keys_.begin()));
            }
        }
    }

    const std::vector<PropertyKey>& keys() const noexcept { return keys_; }

    std::span<const PropertyValue> of_question(std::size_t question, std::span<const PropertyValue> values) {
        own_.clear();
        for (const std::size_t place : places_[question]) own_.push_back(values[place]);
        return own_;
    }

private:
    std::vector<PropertyKey> keys_;
    std::vector<std::vector<std::size_t>> places_;
    std::vector<PropertyValue> own_;
};

class RecentPass {
public:
    RecentPass(std::span<UsageCount* const> counts, const LeftOut& left_out)
        : counts_(counts), left_out_(left_out), shared_(counts), values_(shared_.keys()) {}

    void run(std::int32_t tenant, std::string_view code) {
        const Question& first = counts_.front()->question();
        RecentEvents events(tenant, code, first.windows.from(), first.windows.to());
        if (first.all_customers) {
            events.scan_all();
            add_all(events);
        } else {
            for (const std::string& customer : first.customers) {
                events.scan_customer(customer);
                add_all(events);
            }
        }
        events.close();
    }

private:
    void add_all(RecentEvents& events) {
        RecentEvent event;
        while (events.next(event)) {
            if (left_out_.holds(event.seq)) continue;
            const auto values = values_.read(event.properties);
            for (std::size_t i = 0; i < counts_.size(); ++i)
                counts_[i]->add(event.customer, event.ts, event.seq, shared_.of_question(i, values));
        }
    }

    std::span<UsageCount* const> counts_;
    const LeftOut left_out_;
    SharedKeys shared_;
    RowValues values_;
};

// Whether a segment holds rows of a customer that is asked for, as far as its bounds tell.
bool may_hold(const SegmentRow& row, const Question& question) {
    if (question.all_customers) return true;
    const auto first = std::lower_bound(question.customers.begin(), question.customers.end(), row.first_customer);
    return first != question.customers.end() && *first <= row.last_customer;
}

class SegmentPass {
public:
    SegmentPass(std::span<UsageCount* const> counts, const LeftOut& left_out) : counts_(counts), left_out_(left_out) {
        // What is fetched of a segment is forgotten with it.
        memory_ = call_pg(
            [] { return AllocSetContextCreate(CurrentMemoryContext, "tally segment columns", ALLOCSET_DEFAULT_SIZES); });
    }

    void run(Segments& segments, std::string_view code, const PassPlaces& places) {
        if (places.only_segments) {
            for (const std::int64_t id : *places.only_segments) {
                segments.scan(code, id);
                add_all(segments, {});
            }
        } else {
            segments.scan(code);
            add_all(segments, places.but_segments);
        }
        call_pg([&] { MemoryContextDelete(memory_); });
    }

private:
    void add_all(Segments& segments, std::span<const std::int64_t> but) {
        SegmentRow row;
        while (segments.next(row)) {
            if (left_out_.holds_all_from(row.first_seq) || !may_hold(row, counts_.front()->question())) continue;
            if (std::binary_search(but.begin(), but.end(), row.segment_id)) continue;
            MemoryContext const before = MemoryContextSwitchTo(memory_);
            PgSegmentBytes bytes(row.data, row.segment_id);
            SegmentReader segment(bytes);
            for (UsageCount* const count : counts_) SegmentCount(segment, *count, left_out_).run();
            MemoryContextSwitchTo(before);
            call_pg([&] { MemoryContextReset(memory_); });
        }
    }

    std::span<UsageCount* const> counts_;
    const LeftOut left_out_;
    MemoryContext memory_;
};

}  // namespace

std::size_t usage_memory_bytes() {
    return static_cast<std::size_t>(work_mem * 1024.0 * hash_mem_multiplier) * hash_tables;
}

MemoryLimit usage_memory() {
    return MemoryLimit(usage_memory_bytes());
}

void count_events(std::int32_t tenant, std::string_view code, std::span<UsageCount* const> counts,
                  const PassPlaces& places) {
    if (counts.empty()) return;
    const Windows& windows = counts.front()->question().windows;
    std::optional<Segments> segments;
    if (!places.only_segments || !places.only_segments->empty())
        segments.emplace(tenant, windows.from(), windows.to(), places.begins_at_edge);
    std::vector<std::int64_t> read;
    if (!places.voided)
        read = voided_seqs(tenant, code, windows.from(), windows.to(), counts.front()->groups().limit(), places.known);
    const LeftOut left_out{places.voided.value_or(read), places.known};
    if (places.recent_events) RecentPass(counts, left_out).run(tenant, code);
    if (!segments) return;
    SegmentPass(counts, left_out).run(*segments, code, places);
    segments->close();
}

}  // namespace tally
