// Judging, claiming and storing: see ingest_engine.hpp.
//
// Facts are looked up, the batch is judged, what is accepted is claimed in the order of its identities. Where a claim shows
// that somebody was faster, that is one more fact, and the batch is judged again: claims that are wanted no longer are taken
// back; if others are wanted that come before claims already made, all are taken back first, so that claims are made in one
// order whatever happens. Facts only grow in number, so this ends.
#include "core/ingest/ingest_judge.hpp"
#include "core/segment/partition.hpp"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "pg/ingest/resend_count.hpp"
#include "pg/ingest/ingest_facts.hpp"
#include "pg/ingest/month_shares.hpp"
#include "pg/ingest/ingest_engine.hpp"
#include "pg/border/boundary.hpp"
#include "pg/ingest/direct_segment.hpp"
#include "pg/ingest/recent_event.hpp"
#include "pg/ingest/sealed_claim.hpp"
#include "pg/ingest/sql_store.hpp"
#include "pg/segment/generation.hpp"

namespace tally {
namespace {

constexpr std::size_t looked_up_always = 16;
constexpr Oid identity_columns[] = {UUIDOID, INT8OID, INT4OID, INT4OID};

class Engine {
public:
    Engine(Workspace& workspace, const IngestCall& call)
        : workspace_(workspace), batch_(workspace.batch), keys_(workspace.keys), rows_(workspace.rows), call_(call) {}

    void run() {
        lock_tenant(call_.tenant_id);
        ask_metrics(batch_, call_.tenant_id);
        batch_.seal();
        if (batch_.identities().empty()) return;
        MonthShares shares(call_.tenant_id, call_.keys);
        limits_ = shares.take(batch_);
        open();
        look_up();
        claim();
        store();
        close();
        shares.use(batch_);
        store_resends(call_.tenant_id, batch_);
    }

private:
    void open() {
        call_pg([&] {
            memory_ = workspace_.empty_memory();
            MemoryContext const caller = MemoryContextSwitchTo(memory_);
            identities_.tenant_id = call_.tenant_id;
            identities_.patience = call_.patience;
            identities_.table = open_store_table("recent_identity", identity_columns, 1);
            events_ = open_event_table();
            is_direct_ = identities_.table.is_direct && events_.is_direct;
            if (is_direct_) scan_ = begin_identity_scan(identities_, &dirty_);
            MemoryContextSwitchTo(caller);
        });
    }

    void close() {
        call_pg([&] {
            if (scan_ != nullptr) index_endscan(scan_);
            close_store_table(events_);
            close_store_table(identities_.table);
            MemoryContextReset(memory_);
        });
    }

    // A claim tells of itself who was faster, so a large batch is looked up beforehand only where that decides about more
    // than the event itself, or where a few of its events show that it was sent before: then nothing is written for what
    // is known.
    void look_up() {
        keys_.assign(batch_.identities().size(), ClaimKey{});
        for (std::size_t i = 0; i < keys_.size(); ++i) keys_[i].key = batch_.identities()[i].key;
        if (keys_.size() > looked_up_always && !must_look_up()) {
            const std::size_t step = keys_.size() / looked_up_always;
            ClaimKey few[looked_up_always];
            for (std::size_t i = 0; i < looked_up_always; ++i) few[i] = keys_[i * step];
            look_up(few);
            if (std::all_of(std::begin(few), std::end(few),
                            [](const ClaimKey& key) { return key.state == ClaimKey::State::unknown; })) {
                looked_ = 0;
                return;
            }
        }
        look_up(keys_);
        take_over_facts();
    }

    void look_up(std::span<ClaimKey> keys) {
        in_store([&] {
            if (is_direct_) look_up_identities(scan_, identities_, keys);
            else sql_store::look_up_identities(keys);
            looked_ = look_up_sealed(keys);
        });
    }

    // Whether one event that is known decides about others.
    bool must_look_up() const {
        const auto is_tight = [](const MonthLimit& limit) { return limit.allowed != MonthLimit{}.allowed; };
        return is_tight(limits_.tenant) || std::any_of(limits_.senders.begin(), limits_.senders.end(), is_tight) ||
               std::any_of(batch_.bodies().begin(), batch_.bodies().end(),
                           [](const BatchBody& body) { return body.strict && body.count > 1; });
    }

    // Answers whether there was anything new.
    bool take_over_facts() {
        bool is_new = false;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            BatchIdentity& identity = batch_.identities()[i];
            if (identity.state != BatchIdentity::State::unknown) continue;
            if (keys_[i].state == ClaimKey::State::stored) {
                identity.state = BatchIdentity::State::stored;
                identity.payload = keys_[i].payload;
                is_new = true;
            } else if (keys_[i].state == ClaimKey::State::held) {
                identity.state = BatchIdentity::State::held;
                is_new = true;
            }
        }
        return is_new;
    }

    void claim() {
        do {
            judge(batch_, limits_);
            withdraw_surplus();
            if (!mark_wanted()) return;
            in_store([&] {
                if (is_direct_) claim_identities(scan_, identities_, keys_);
                else sql_store::claim_identities(call_.tenant_id, keys_);
            });
            take_back_sealed();
        } while (take_over_facts());
    }

    // What was sealed between the look and the claim is known, and its claim is taken back.
    void take_back_sealed() {
        in_store([&] {
            if (!look_again_in_sealed(keys_, looked_)) return;
            withdraw();
            for (ClaimKey& key : keys_) {
                if (!key.is_sealed) continue;
                key.is_sealed = false;
                key.state = ClaimKey::State::stored;
            }
        });
    }

    // Takes back what is claimed and wanted no longer, or all of it where more is wanted.
    void withdraw_surplus() {
        bool has_claims = false;
        bool has_surplus = false;
        bool wants_more = false;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const BatchIdentity& identity = batch_.identities()[i];
            ClaimKey& key = keys_[i];
            key.is_wanted = identity.accepted != BatchIdentity::nobody;
            if (key.state == ClaimKey::State::claimed) {
                has_claims = true;
                if (key.is_wanted && batch_.events()[identity.accepted].payload != key.payload) key.is_wanted = false;
                has_surplus |= !key.is_wanted;
            }
            if (identity.accepted != BatchIdentity::nobody && key.state == ClaimKey::State::unknown) wants_more = true;
        }
        if (!has_claims || (!has_surplus && !wants_more)) return;
        if (wants_more)
            for (ClaimKey& key : keys_) key.is_wanted = false;
        in_store([&] { withdraw(); });
    }

    void withdraw() {
        if (is_direct_) withdraw_identities(identities_, keys_);
        else sql_store::withdraw_identities(keys_);
    }

    // Answers whether there is anything to claim.
    bool mark_wanted() {
        bool has_some = false;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            const BatchIdentity& identity = batch_.identities()[i];
            ClaimKey& key = keys_[i];
            key.is_wanted = identity.accepted != BatchIdentity::nobody;
            if (!key.is_wanted || key.state != ClaimKey::State::unknown) continue;
            const BatchEvent& event = batch_.events()[identity.accepted];
            key.payload = event.payload;
            key.month = month_of(event.event->ts_microseconds);
            has_some = true;
        }
        return has_some;
    }

    void store() {
        EventOrigin origin{0, call_.tenant_id, batch_.options().now_microseconds, call_.import_id};
        DirectSegments segments(origin);
        if (is_direct_) {
            number_accepted();
            segments.choose(batch_);
        }
        bool is_writing = false;
        const auto store_those_gathered = [&] {
            if (rows_.empty()) return;
            if (!std::exchange(is_writing, true)) origin.generation = call_pg([] { return begin_writing_events(); });
            store_rows(origin);
            rows_.clear();
        };
        rows_.clear();
        std::size_t accepted = 0;
        for (const BatchEvent& event : batch_.events()) {
            if (event.verdict != Verdict::accepted) continue;
            const Event& sent = *event.event;
            const std::int64_t seq = is_direct_ ? workspace_.seqs[accepted++] : 0;
            if (segments.take(sent, seq)) continue;
            rows_.push_back({sent.code_hash, sent.customer_hash, sent.ts_microseconds, seq, sent.code, sent.customer_id,
                             sent.source, sent.event_id, sent.properties_json});
            if (rows_.size() == event_rows_at_once) store_those_gathered();
        }
        store_those_gathered();
        if (is_writing) call_pg([] { end_writing_events(); });
        segments.store();
    }

    // Numbers for the accepted events in the order of their arrival, wherever they go. The way through SQL numbers its
    // rows itself.
    void number_accepted() {
        std::size_t accepted = 0;
        for (const BatchEvent& event : batch_.events()) accepted += event.verdict == Verdict::accepted ? 1 : 0;
        workspace_.seqs.resize(accepted);
        for (std::size_t from = 0; from < accepted; from += event_rows_at_once) {
            const std::size_t count = std::min(event_rows_at_once, accepted - from);
            in_store([&] {
                CHECK_FOR_INTERRUPTS();
                take_event_numbers(std::span(workspace_.seqs).subspan(from, count));
            });
        }
    }

    void store_rows(const EventOrigin& origin) {
        std::vector<std::uint32_t>& order = workspace_.order;
        order.resize(rows_.size());
        std::iota(order.begin(), order.end(), 0U);
        std::sort(order.begin(), order.end(), [this](std::uint32_t left, std::uint32_t right) {
            const EventRow& a = rows_[left];
            const EventRow& b = rows_[right];
            if (a.code_hash != b.code_hash) return a.code_hash < b.code_hash;
            if (a.customer_hash != b.customer_hash) return a.customer_hash < b.customer_hash;
            return a.ts != b.ts ? a.ts < b.ts : left < right;
        });
        in_store([&] {
            CHECK_FOR_INTERRUPTS();
            if (is_direct_) tally::store_events(events_, origin, rows_, order);
            else sql_store::store_events(origin, rows_);
        });
    }

    // Runs PostgreSQL calls with the memory of this batch.
    template <typename Body>
    void in_store(Body&& body) {
        call_pg([&] {
            MemoryContext const caller = MemoryContextSwitchTo(memory_);
            body();
            MemoryContextSwitchTo(caller);
        });
    }

    Workspace& workspace_;
    IngestBatch& batch_;
    std::vector<ClaimKey>& keys_;
    std::vector<EventRow>& rows_;
    const IngestCall& call_;
    MonthLimits limits_;
    IdentityTable identities_;
    StoreTable events_;
    IndexScanDesc scan_ = nullptr;
    SnapshotData dirty_;
    MemoryContext memory_ = nullptr;
    std::int64_t looked_ = 0;  // the newest run of sealed identities that was looked into
    bool is_direct_ = false;
};

}  // namespace

void ingest(Workspace& workspace, const IngestCall& call) {
    Engine(workspace, call).run();
}

}  // namespace tally
