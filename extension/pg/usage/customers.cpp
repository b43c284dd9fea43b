// tally.customers: who had events, since when and until when, out of recent rows and the runs of segments.
#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/usage/customer_spans.hpp"
#include "pg/border/gate.hpp"
#include "pg/segment/retention_edge.hpp"
#include "pg/usage/events.hpp"
#include "pg/usage/pass.hpp"

#include "pg/border/rows.hpp"
#include "pg/usage/arguments.hpp"
#include "pg/usage/store.hpp"

namespace {

using namespace tally;

// The voided events of each code that is met, read once.
class VoidedByCode {
public:
    explicit VoidedByCode(std::int32_t tenant) : tenant_(tenant) {}

    const std::vector<std::int64_t>& of(std::string_view code) {
        const auto found = codes_.find(code);
        if (found != codes_.end()) return found->second;
        return codes_.emplace(std::string(code), voided_seqs(tenant_, code, INT64_MIN, INT64_MAX, memory_)).first->second;
    }

private:
    std::int32_t tenant_;
    MemoryLimit memory_ = usage_memory();
    std::map<std::string, std::vector<std::int64_t>, std::less<>> codes_;
};

class RecentSpans final : public EventTaker {
public:
    RecentSpans(CustomerSpans& spans, VoidedByCode& voided) : spans_(spans), voided_(voided) {}
    bool wants(std::int64_t, std::int64_t) const noexcept override { return true; }
    std::int64_t oldest() const noexcept override { return INT64_MIN; }
    void take(std::string_view code, const StoredEvent& event, std::string_view) override {
        const std::vector<std::int64_t>& voided = voided_.of(code);
        if (!std::binary_search(voided.begin(), voided.end(), event.seq)) spans_.add(event.customer_id, event.ts);
    }

private:
    CustomerSpans& spans_;
    VoidedByCode& voided_;
};

void put_spans(FunctionCallInfo fcinfo, const CustomerSpans& spans) {
    ReturnSetInfo* info = nullptr;
    MemoryContext memory = nullptr;
    call_pg([&] {
        info = begin_rows(fcinfo);
        memory = AllocSetContextCreate(CurrentMemoryContext, "tally customer", ALLOCSET_SMALL_SIZES);
    });
    for (const auto& one : spans.spans())
        call_pg([&, &customer = one.first, &span = one.second] {
            CHECK_FOR_INTERRUPTS();
            MemoryContextReset(memory);
            MemoryContext const before = MemoryContextSwitchTo(memory);
            Datum values[] = {text_datum(customer), TimestampTzGetDatum(to_postgres(span.first)),
                              TimestampTzGetDatum(to_postgres(span.last)), Int64GetDatum(span.events)};
            bool nulls[sizeof values / sizeof values[0]] = {};
            tuplestore_putvalues(info->setResult, info->setDesc, values, nulls);
            MemoryContextSwitchTo(before);
        });
    call_pg([&] { MemoryContextDelete(memory); });
}

}  // namespace

// tally.customers(customer) -> rows; NULL asks for all
TALLY_FUNCTION(customers) {
    return guarded([&]() -> Datum {
        const std::int32_t tenant = call_pg([] { return tenant_for_caller(); });
        EventQuestion question;
        question.customer = text_argument(fcinfo, 0);
        question.from = call_pg([&] { return kept_begin(question.from, question.to); });
        CustomerSpans spans(usage_memory(), question.customer);
        VoidedByCode voided(tenant);
        RecentSpans recent(spans, voided);
        search_recent(tenant, question, recent);
        visit_segments(tenant, question,
                       [&](SegmentReader& segment, std::string_view code) { spans.add_segment(segment, voided.of(code)); });
        put_spans(fcinfo, spans);
        return Datum{0};
    });
}
