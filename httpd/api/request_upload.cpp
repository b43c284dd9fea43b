// A file that is stored chunk by chunk while it arrives. See request.hpp for the life as a whole.
#include "api/request.hpp"
#include "api/statements.hpp"
#include "base/error.hpp"

namespace tallyd {

std::optional<Response> Request::begin_upload() {
    if (auto refusal = credentials_.check()) return refusal;  // a file cannot hold it, so it is known by now
    upload_ = std::make_unique<ImportUpload>(*import_format(exchange_.header("Content-Type")), query_);
    if (const std::optional<Response>& problem = upload_->problem()) return problem;
    phase_ = Phase::admission;
    exchange_.take_stream(kImportMemory, body_limit(), means_.settings.max_inflated_file);
    return std::nullopt;
}

// Takes what fits into a chunk; the rest comes again.
std::size_t Request::on_piece(const char* data, std::size_t size) {
    if (phase_ == Phase::admission) {
        if (!admit()) return 0;
        begin();
    }
    if (store_chunk()) return 0;
    const std::size_t taken = upload_->feed(data, size);
    store_chunk();
    return taken;
}

// Of a file what was stored stays.
Response Request::broken(Response refusal) {
    return upload_ ? upload_->with_progress(std::move(refusal)) : std::move(refusal);
}

void Request::end_upload() {
    if (phase_ == Phase::admission) {
        if (!admit()) return;
        begin();
    }
    if (upload_->untouched()) return answer(refuse(400, "the request body is empty"));
    if (phase_ == Phase::upload) upload_->end();
    phase_ = Phase::upload_end;
    if (!store_chunk()) answer(upload_->summary());
}

// true: it waits. Each chunk has the whole time of a body again, so a slow upload lives as long as it moves.
bool Request::store_chunk() {
    if (!upload_->must_store(phase_ == Phase::upload_end)) return false;
    upload_->next(query_, chunk_);
    parameters = {{credentials_.bytes(), true}, {route_->scope}, {path_}, {query_}, {chunk_, true}};
    // The import knows which lines it has taken.
    queue(statement_of(*route_, false), route_->lane, true);
    return true;
}

void Request::take_chunk() {
    chunk_.clear();
    const std::uint64_t accepted = upload_->accepted(), duplicates = upload_->duplicates(), failed = upload_->failed();
    const std::uint64_t unmatched = upload_->unmatched(), conflicts = upload_->conflicts();
    auto refusal = upload_->take(std::move(result_));
    means_.metrics.events_accepted.fetch_add(upload_->accepted() - accepted, std::memory_order_relaxed);
    means_.metrics.events_duplicate.fetch_add(upload_->duplicates() - duplicates, std::memory_order_relaxed);
    const std::uint64_t conflicting = upload_->conflicts() - conflicts;
    means_.metrics.events_conflict.fetch_add(conflicting, std::memory_order_relaxed);
    means_.metrics.events_rejected.fetch_add(upload_->failed() - failed - conflicting, std::memory_order_relaxed);
    means_.metrics.events_unmatched.fetch_add(upload_->unmatched() - unmatched, std::memory_order_relaxed);
    if (refusal) answer(std::move(*refusal));
}

}  // namespace tallyd
