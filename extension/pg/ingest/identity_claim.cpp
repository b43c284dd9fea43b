// The claim protocol: see identity_claim.hpp.
#include <algorithm>
#include <cstring>

#include "pg/ingest/identity_claim.hpp"

namespace tally {
namespace {

constexpr int rows_at_once = 500;
constexpr long brief_milliseconds = 50;

enum { identity_column, payload_column, tenant_column, month_column };

// What stands under a key, own row aside.
struct Found {
    bool is_stored = false;
    std::int64_t payload = 0;
    TransactionId rival = InvalidTransactionId;
    int rivals = 0;
};

Datum key_datum(const Hash128& key) {
    return PointerGetDatum(key.data());  // a uuid is its 16 bytes
}

// Whether the open transaction that inserted a row has taken it back: only where both happened in the very same
// (sub)transaction, which no rollback to a savepoint can undo by half.
bool is_withdrawn(TupleTableSlot* slot) {
    auto* buffered = reinterpret_cast<BufferHeapTupleTableSlot*>(slot);
    LockBuffer(buffered->buffer, BUFFER_LOCK_SHARE);
    const HeapTupleHeader row = buffered->base.tuple->t_data;
    const bool withdrawn = (row->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY)) == 0 &&
                           TransactionIdEquals(HeapTupleHeaderGetRawXmin(row), HeapTupleHeaderGetRawXmax(row));
    LockBuffer(buffered->buffer, BUFFER_LOCK_UNLOCK);
    return withdrawn;
}

Found look(IndexScanDesc scan, TupleTableSlot* slot, const Hash128& key, const ItemPointerData* own) {
    Found found;
    ScanKeyData wanted;
    ScanKeyEntryInitialize(&wanted, 0, 1, BTEqualStrategyNumber, InvalidOid, InvalidOid, F_UUID_EQ, key_datum(key));
    index_rescan(scan, &wanted, 1, nullptr, 0);
    Snapshot const dirty = scan->xs_snapshot;
    while (index_getnext_slot(scan, ForwardScanDirection, slot)) {
        if (own != nullptr && ItemPointerEquals(&slot->tts_tid, const_cast<ItemPointer>(own))) continue;
        if (TransactionIdIsValid(dirty->xmin)) {
            if (is_withdrawn(slot)) continue;
            found.rival = dirty->xmin;
            ++found.rivals;
            continue;
        }
        bool is_null = false;
        found.is_stored = true;
        found.payload = DatumGetInt64(slot_getattr(slot, payload_column + 1, &is_null));
        break;
    }
    ExecClearTuple(slot);
    return found;
}

void nap(long milliseconds) {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, milliseconds, PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
}

class Claims {
public:
    Claims(IndexScanDesc scan, IdentityTable& table) : scan_(scan), identities_(table) {
        look_slot_ = MakeTupleTableSlot(table.table.shape, &TTSOpsBufferHeapTuple);
    }

    Found look_at(const ClaimKey& key, bool has_row) {
        return look(scan_, look_slot_, key.key, has_row ? &key.row : nullptr);
    }

    // Puts the rows of the wanted keys, of which no rival was seen, into the heap at once, and then each key into the index.
    void claim(ClaimKey** keys, int count) {
        if (count > slot_count_) {
            slots_ = new_slots(identities_.table, count);
            slot_count_ = count;
        }
        int fresh = 0;
        for (int i = 0; i < count; ++i)
            if (!keys[i]->is_doubtful) put_row(slots_[fresh++], new_identity(*keys[i]));
        if (fresh > 0) insert_rows(identities_.table, slots_, fresh);
        fresh = 0;
        for (int i = 0; i < count; ++i) claim_key(*keys[i], keys[i]->is_doubtful ? nullptr : slots_[fresh++]);
    }

    void finish() { ExecClearTuple(look_slot_); }

private:
    HeapTuple new_identity(const ClaimKey& key) {
        char* data = nullptr;
        HeapTuple const row = new_row(identities_.table, 32, nullptr, false, &data);
        std::memcpy(data, key.key.data(), 16);
        std::memcpy(data + 16, &key.payload, 8);
        std::memcpy(data + 24, &identities_.tenant_id, 4);
        std::memcpy(data + 28, &key.month, 4);
        return row;
    }

    // `slot` holds a row of the key that lies in the heap already, or there is none yet.
    void claim_key(ClaimKey& key, TupleTableSlot* slot) {
        for (;;) {
            if (slot != nullptr) {
                key.row = slot->tts_tid;
                Datum value = key_datum(key.key);
                if (insert_index_entries(identities_.table, slot, &value, UNIQUE_CHECK_PARTIAL)) break;
            }
            const Found found = look_at(key, slot != nullptr);
            if (slot != nullptr) {
                if (!found.is_stored && found.rivals == 0) break;  // whoever it was is gone
                take_back(key);
                slot = nullptr;
                // Looked at again before anything is waited for: of two that saw each other's row, the one that looks last
                // finds the other's taken back. To wait at once would be to wait in a circle.
                if (!found.is_stored) continue;
            }
            if (found.is_stored) {
                key.state = ClaimKey::State::stored;
                key.payload = found.payload;
                return;
            }
            if (found.rivals > 0) {
                if (!wait_for(found, key)) {
                    key.state = ClaimKey::State::held;
                    return;
                }
                continue;
            }
            if (spare_ == nullptr) spare_ = new_slots(identities_.table, 1)[0];
            slot = spare_;
            put_row(slot, new_identity(key));
            insert_rows(identities_.table, &slot, 1);
        }
        key.state = ClaimKey::State::claimed;
    }

    void take_back(ClaimKey& key) {
        CommandCounterIncrement();
        simple_heap_delete(identities_.table.relation, &key.row);
    }

    // False where the rival is left alone.
    bool wait_for(const Found& found, ClaimKey& key) {
        if (identities_.patience == Patience::none) return false;
        // Of several that hold one key all but one are just taking theirs back.
        if (found.rivals > 1) {
            nap(1);
            return true;
        }
        if (identities_.patience == Patience::endless) {
            XactLockTableWait(found.rival, identities_.table.relation, &key.row, XLTW_InsertIndex);
            return true;
        }
        while (!PGTALLY_CONDITIONAL_XACT_WAIT(found.rival)) {
            if (brief_left_ <= 0) return false;
            const long step = std::min(brief_left_, 5L);
            nap(step);
            brief_left_ -= step;
        }
        return true;
    }

    IndexScanDesc scan_;
    IdentityTable& identities_;
    TupleTableSlot* look_slot_ = nullptr;
    TupleTableSlot** slots_ = nullptr;
    TupleTableSlot* spare_ = nullptr;
    int slot_count_ = 0;
    long brief_left_ = brief_milliseconds;
};

}  // namespace

IndexScanDesc begin_identity_scan(const IdentityTable& table, SnapshotData* dirty) {
    InitDirtySnapshot(*dirty);
    return begin_index_scan(table.table.relation, table.table.primary, dirty, 1);
}

void look_up_identities(const IndexScanDesc scan, IdentityTable& table, std::span<ClaimKey> keys) {
    Claims claims(scan, table);
    for (ClaimKey& key : keys) {
        if (key.state != ClaimKey::State::unknown) continue;
        CHECK_FOR_INTERRUPTS();
        const Found found = claims.look_at(key, false);
        key.is_doubtful = found.rivals > 0;
        if (found.is_stored) {
            key.state = ClaimKey::State::stored;
            key.payload = found.payload;
        } else if (key.is_doubtful && table.patience == Patience::none) {
            key.state = ClaimKey::State::held;
        }
    }
    claims.finish();
}

void claim_identities(const IndexScanDesc scan, IdentityTable& table, std::span<ClaimKey> keys) {
    Claims claims(scan, table);
    ClaimKey* wanted[rows_at_once];
    int count = 0;
    for (ClaimKey& key : keys) {
        if (!key.is_wanted || key.state != ClaimKey::State::unknown) continue;
        wanted[count++] = &key;
        if (count < rows_at_once) continue;
        CHECK_FOR_INTERRUPTS();
        claims.claim(wanted, count);
        count = 0;
    }
    if (count > 0) claims.claim(wanted, count);
    claims.finish();
}

void withdraw_identities(const IdentityTable& table, std::span<ClaimKey> keys) {
    bool is_first = true;
    for (ClaimKey& key : keys) {
        if (key.state != ClaimKey::State::claimed || key.is_wanted) continue;
        if (is_first) CommandCounterIncrement();
        is_first = false;
        simple_heap_delete(table.table.relation, &key.row);
        key.state = ClaimKey::State::unknown;
    }
}

}  // namespace tally
