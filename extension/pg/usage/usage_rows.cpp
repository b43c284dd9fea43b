// Each row is made in a context of its own, reset after it; dimensions are made once for each combination.
#include "pg/usage/usage_rows.hpp"

#include "pg/border/values.hpp"
#include "pg/usage/state_values.hpp"
#include "pg/usage/store.hpp"

namespace tally {
namespace {

// {property: text} of a combination, made once for each while few bytes are kept: values of several dimensions together
// may come to many times what each of them takes.
class DimensionObjects {
public:
    explicit DimensionObjects(const UsageCount& count)
        : groups_(count.groups()),
          rule_(*count.question().rule),
          memory_(CurrentMemoryContext),
          made_(groups_.combinations()) {}

    Datum object(std::uint32_t combination) {
        if (made_[combination] != nullptr) return PointerGetDatum(made_[combination]);
        if (kept_bytes_ > most_kept_bytes) return PointerGetDatum(make(groups_.values_of(combination)));
        MemoryContext const before = MemoryContextSwitchTo(memory_);
        made_[combination] = make(groups_.values_of(combination));
        MemoryContextSwitchTo(before);
        kept_bytes_ += VARSIZE(made_[combination]);
        return PointerGetDatum(made_[combination]);
    }
    Datum empty() const { return PointerGetDatum(make({})); }

private:
    static constexpr std::size_t most_kept_bytes = 16 << 20;

    static JsonbValue text(std::string_view content) {
        JsonbValue value;
        value.type = jbvString;
        value.val.string.val = const_cast<char*>(content.data());
        value.val.string.len = static_cast<int>(content.size());
        return value;
    }
    Jsonb* make(std::span<const std::uint32_t> values) const {
        JsonbParseState* state = nullptr;
        pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i] == 0) continue;
            JsonbValue key = text(rule_.keys()[static_cast<std::size_t>(rule_.dimensions()[i])].text());
            JsonbValue value = text(groups_.texts().text(values[i]));
            pushJsonbValue(&state, WJB_KEY, &key);
            pushJsonbValue(&state, WJB_VALUE, &value);
        }
        return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
    }

    const UsageGroups& groups_;
    const MetricRule& rule_;
    MemoryContext memory_;
    std::vector<Jsonb*> made_;
    std::size_t kept_bytes_ = 0;
};

class RowWriter {
public:
    RowWriter(ReturnSetInfo* info, const MeteredMetric& metric, UsageCount& count, const UsageRowsOptions& options)
        : count_(count),
          place_(options.place),
          first_column_(options.shape == UsageShape::rows ? 2 : 0),
          info_(info),
          values_(metric, count.groups().states()),
          dimensions_(count) {
        call_pg([&] { row_memory_ = AllocSetContextCreate(CurrentMemoryContext, "tally usage row", ALLOCSET_SMALL_SIZES); });
        const Question& question = count.question();
        if (question.by_customer || question.all_customers || question.customers.size() != 1) return;
        has_customer_ = true;
        only_customer_ = question.customers.front();
    }

    void put(const AnswerRow& row) {
        const Windows& windows = count_.question().windows;
        const std::string_view customer =
            row.key.customer != 0 ? count_.groups().texts().text(row.key.customer) : std::string_view(only_customer_);
        put_row(false, windows.start_of(row.key.window), windows.end_of(row.key.window),
                has_customer_ || row.key.customer != 0, customer, &row.key, row.group);
    }

    void put_total() {
        const Windows& windows = count_.question().windows;
        put_row(true, windows.from(), windows.to(), has_customer_, only_customer_, nullptr,
                count_.groups().states().add_total());
    }

    void close() {
        call_pg([&] { MemoryContextDelete(row_memory_); });
    }

private:
    // Without a key the dimensions are those of a total: none.
    void put_row(bool is_total, std::int64_t start, std::int64_t end, bool has_customer, std::string_view customer,
                 const GroupKey* key, std::uint32_t group) {
        const EventCounts counts = group == UsageGroups::no_group ? EventCounts{} : count_.groups().states().counts(group);
        const Decimal value = values_.value(group);
        const Decimal converted = values_.converted(group, value);
        call_pg([&] {
            CHECK_FOR_INTERRUPTS();
            MemoryContextReset(row_memory_);
            MemoryContext const before = MemoryContextSwitchTo(row_memory_);
            Datum columns[] = {Int32GetDatum(place_),
                               BoolGetDatum(is_total),
                               TimestampTzGetDatum(to_postgres(start)),
                               TimestampTzGetDatum(to_postgres(end)),
                               has_customer ? text_datum(customer) : Datum{0},
                               key != nullptr ? dimensions_.object(key->combination) : dimensions_.empty(),
                               0,
                               0,
                               Int64GetDatum(counts.counted),
                               Int64GetDatum(counts.matched - counts.counted)};
            bool nulls[sizeof columns / sizeof columns[0]] = {};
            nulls[4] = !has_customer;
            set_column(columns[6], nulls[6], value);
            set_column(columns[7], nulls[7], converted);
            tuplestore_putvalues(info_->setResult, info_->setDesc, columns + first_column_, nulls + first_column_);
            MemoryContextSwitchTo(before);
        });
    }

    UsageCount& count_;
    std::int32_t place_;
    int first_column_;
    ReturnSetInfo* info_;
    ValueMaker values_;
    DimensionObjects dimensions_;
    MemoryContext row_memory_ = nullptr;
    bool has_customer_ = false;  // every row is of one customer
    std::string only_customer_;
};

}  // namespace

void put_usage_rows(ReturnSetInfo* info, const MeteredMetric& metric, UsageCount& count, const UsageRowsOptions& options) {
    AnswerRows rows(count, options.fill, options.has_window);
    RowWriter writer(info, metric, count, options);
    AnswerRow row;
    while (rows.next(row)) writer.put(row);
    if (options.shape != UsageShape::rows) writer.put_total();
    writer.close();
}

void total_values(const MeteredMetric& metric, UsageCount& count, Datum* values, bool* nulls) {
    const std::uint32_t total = count.groups().states().add_total();
    ValueMaker maker(metric, count.groups().states());
    const Decimal value = maker.value(total);
    const Decimal converted = maker.converted(total, value);
    const EventCounts counts = count.groups().states().counts(total);
    call_pg([&] {
        set_column(values[0], nulls[0], value);
        set_column(values[1], nulls[1], converted);
        values[2] = Int64GetDatum(counts.counted), nulls[2] = false;
        values[3] = Int64GetDatum(counts.matched - counts.counted), nulls[3] = false;
    });
}

}  // namespace tally
