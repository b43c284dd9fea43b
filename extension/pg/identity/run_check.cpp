// tally._checked_identities(): all identities of ready runs, and what is wrong with the runs. What tally.verify() compares
// events with: damage is told, and what can be read is answered all the same.
#include <string>
#include <string_view>
#include <vector>

#include "core/identity/filter.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/rows.hpp"
#include "pg/border/values.hpp"
#include "pg/identity/sealed_store.hpp"

namespace tally {
namespace {

struct Part {
    std::int32_t number;
    std::string bytes;
};

Bytes bytes_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

// Parts of a run with first <= number < end; so many as one filter stands for are held at a time.
std::vector<Part> parts_of(const SealedStore& store, std::int64_t run, std::int32_t first, std::int32_t end) {
    std::vector<Part> parts;
    const auto keep = [](std::int32_t number, Bytes data, void* closure) {
        static_cast<std::vector<Part>*>(closure)->push_back(
            {number, std::string(reinterpret_cast<const char*>(data.data()), data.size())});
    };
    call_pg([&] { each_part(store, run, first, end, keep, &parts); });
    return parts;
}

class RunCheck {
public:
    RunCheck(const SealedStore& store, const SealedRun& run, ReturnSetInfo* info) : store_(store), run_(run), info_(info) {}

    void check() {
        if (!has_own_shape(run_)) {
            tell("it has not the parts that its identities need");
            read_without_shape();
            return;
        }
        const auto filters = static_cast<std::int32_t>(run_.shape.filters);
        const auto blocks = static_cast<std::int32_t>(run_.shape.blocks);
        for (std::int32_t filter = 0; filter < filters; ++filter) check_filter_of(filter, blocks / filters);
        for (const Part& part : parts_of(store_, run_.id, blocks, PG_INT32_MAX)) tell(part.number, "is none of its own");
        for (const Part& part : parts_of(store_, run_.id, PG_INT32_MIN, -filters)) tell(part.number, "is none of its own");
    }

private:
    // In which part a key should lie is not known, but which keys there are.
    void read_without_shape() {
        const auto use = [](std::int32_t number, Bytes data, void* closure) {
            const Part part{number, std::string(reinterpret_cast<const char*>(data.data()), data.size())};
            static_cast<RunCheck*>(closure)->check_block(part, nullptr);
        };
        call_pg([&] { each_part(store_, run_.id, 0, PG_INT32_MAX, use, this); });
    }

    void check_filter_of(std::int32_t number, std::int32_t blocks_each) {
        const std::vector<Part> filters = parts_of(store_, run_.id, -1 - number, -number);
        const std::string* filter = filters.empty() ? nullptr : &filters[0].bytes;
        if (filter == nullptr) {
            tell(-1 - number, "is missing");
        } else if (const std::string damage = damage_of([&] { check_filter(bytes_of(*filter)); }); !damage.empty()) {
            tell(-1 - number, "is damaged");
            filter = nullptr;
        }
        for (const Part& block : parts_of(store_, run_.id, number * blocks_each, (number + 1) * blocks_each))
            check_block(block, filter);
    }

    // Answers the identities of a block; `filter`: the one that stands for it, if it is whole.
    void check_block(const Part& part, const std::string* filter) {
        bool is_true = true;
        const std::string damage = damage_of([&] {
            const BlockView block(bytes_of(part.bytes));
            for (std::uint32_t i = 0; i < block.size(); ++i) {
                const SealedIdentity entry = block.at(i);
                if (has_own_shape(run_))
                    is_true &= part_of(entry.key, run_.shape.blocks) == static_cast<std::uint32_t>(part.number);
                if (filter != nullptr) is_true &= may_hold(bytes_of(*filter), entry.key);
                put(entry);
            }
        });
        if (!damage.empty()) tell(part.number, "is damaged");
        else if (!is_true) tell(part.number, "holds identities that are not looked for in it");
    }

    void put(const SealedIdentity& entry) {
        call_pg([&] {
            pg_uuid_t key;
            memcpy(key.data, entry.key.data(), entry.key.size());
            Datum values[] = {UUIDPGetDatum(&key), Int64GetDatum(entry.payload), Int32GetDatum(entry.month),
                              Int64GetDatum(run_.id), 0};
            bool nulls[] = {false, false, false, false, true};
            tuplestore_putvalues(info_->setResult, info_->setDesc, values, nulls);
        });
    }
    void tell(std::int32_t part, const char* what) { tell("part " + std::to_string(part) + " " + what); }
    void tell(const std::string& what) {
        call_pg([&] {
            Datum values[] = {0, 0, 0, Int64GetDatum(run_.id), text_datum(what)};
            bool nulls[] = {true, true, true, false, false};
            tuplestore_putvalues(info_->setResult, info_->setDesc, values, nulls);
        });
    }

    const SealedStore& store_;
    const SealedRun& run_;
    ReturnSetInfo* info_;
};

}  // namespace
}  // namespace tally

// tally._checked_identities() -> setof (identity, payload, month, run_id, problem)
TALLY_FUNCTION(checked_identities) {
    ReturnSetInfo* const info = tally::begin_rows(fcinfo);
    const tally::SealedStore store = tally::open_sealed_store(GetActiveSnapshot(), AccessShareLock);
    tally::require_select(store);
    const tally::SealedRuns ready = tally::read_damaged_runs(store, "ready");
    tally::guarded([&] {
        for (int i = 0; i < ready.count; ++i) tally::RunCheck(store, ready.runs[i], info).check();
    });
    tally::close_sealed_store(store);
    PG_RETURN_NULL();
}
