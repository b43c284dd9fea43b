// See resends.hpp.
#include <vector>

#include "core/base/rfc3339.hpp"

#include "pg/border/gate.hpp"

#include "pg/border/boundary.hpp"
#include "pg/border/values.hpp"
#include "pg/usage/resends.hpp"

namespace tally {
namespace {

constexpr std::int64_t day = std::int64_t{SECS_PER_DAY} * 1'000'000;

constexpr std::int64_t begin_of_day(std::int64_t moment) {
    const std::int64_t after = moment % day;
    return moment - (after < 0 ? after + day : after);
}

struct Sums {
    std::int64_t duplicates = 0, conflicts = 0;
};

Datum date_datum(std::int64_t moment) {
    return DateADTGetDatum(static_cast<DateADT>((moment - unix_to_postgres_epoch) / day));
}

Sums sums(std::int32_t tenant, const std::string& code, const Asked& asked, std::int64_t first_day, std::int64_t last_day) {
    Oid types[] = {INT4OID, TEXTOID, DATEOID, DATEOID, TEXTARRAYOID};
    const auto count = asked.customers.size();
    auto* const names = static_cast<Datum*>(palloc(sizeof(Datum) * (count + 1)));
    for (std::size_t i = 0; i < count; ++i) names[i] = text_datum(asked.customers[i]);
    ArrayType* const customers = construct_array(names, static_cast<int>(count), TEXTOID, -1, false, TYPALIGN_INT);
    Datum values[] = {Int32GetDatum(tenant), text_datum(code), date_datum(first_day), date_datum(last_day),
                      PointerGetDatum(customers)};
    SPI_connect();
    if (SPI_execute_with_args("SELECT coalesce(pg_catalog.sum(c.duplicates)::pg_catalog.int8, 0), "
                              "coalesce(pg_catalog.sum(c.conflicts)::pg_catalog.int8, 0) FROM tally.resend_count c "
                              "WHERE c.tenant_id OPERATOR(pg_catalog.=) $1 AND c.code OPERATOR(pg_catalog.=) $2 "
                              "AND c.day OPERATOR(pg_catalog.>=) $3 AND c.day OPERATOR(pg_catalog.<=) $4 "
                              "AND ($5 IS NULL OR c.customer_id OPERATOR(pg_catalog.=) ANY ($5))",
                              5, types, values, asked.all_customers ? "    n" : nullptr, true, 1) != SPI_OK_SELECT)
        elog(ERROR, "cannot read tally.resend_count");
    bool is_null = false;
    const auto number = [&](int column) {
        return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &is_null));
    };
    const Sums found{number(1), number(2)};
    SPI_finish();
    return found;
}

}  // namespace

std::string resends_json(std::int32_t tenant, const std::string& code, const Asked& asked) {
    const std::int64_t first = begin_of_day(asked.range.from), last = begin_of_day(asked.range.to - 1);
    const OwnerRights rights;
    const Sums found = call_pg([&] { return sums(tenant, code, asked, first, last); });
    const auto date = [](std::int64_t moment) { return '"' + format_rfc3339(moment).substr(0, 10) + '"'; };
    return "{\"first_day\":" + date(first) + ",\"last_day\":" + date(last) +
           ",\"duplicates\":" + std::to_string(found.duplicates) + ",\"conflicts\":" + std::to_string(found.conflicts) + '}';
}

}  // namespace tally
