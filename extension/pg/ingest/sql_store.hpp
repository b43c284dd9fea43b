// The way of SQL into the tables of the store, for when direct access is not to be had (pg/ingest/store_table.hpp): a
// trigger was put on a table, or another engine owns it. It claims in the same order and gives the same answers; an open
// transaction that holds an event is waited for, whatever the caller's patience.
#pragma once

#include "pg/ingest/identity_claim.hpp"
#include "pg/ingest/recent_event.hpp"

namespace tally::sql_store {

void look_up_identities(std::span<ClaimKey> keys);
void claim_identities(std::int32_t tenant_id, std::span<ClaimKey> keys);
void withdraw_identities(std::span<ClaimKey> keys);
void store_events(const EventOrigin& origin, std::span<const EventRow> rows);

}  // namespace tally::sql_store
