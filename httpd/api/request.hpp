// One request to the API, from its head to its response, in stages: route and credentials (request_head.cpp), body
// (body_reader.hpp), admission (limits of requests per second), then the route's statement, or a file that is stored
// chunk by chunk while it arrives (request_upload.cpp). While it waits, a database thread may fill in the result.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/body.hpp"
#include "api/credentials.hpp"
#include "api/formats.hpp"
#include "api/import_upload.hpp"
#include "api/probes.hpp"
#include "api/rate_limiter.hpp"
#include "api/router.hpp"
#include "api/settings.hpp"
#include "db/database.hpp"
#include "http/handler.hpp"

namespace tallyd {

class Request final : public Handler, private Job {
public:
    // All outlive the request.
    struct Means {
        const ApiSettings& settings;
        Database& database;
        Metrics& metrics;
        RateLimiter& rates;
        const Probes& probes;
    };

    Request(const Means& means, Exchange& exchange) : means_(means), exchange_(exchange) {}

    void on_head() override;
    std::size_t on_piece(const char* data, std::size_t size) override;
    void on_end() override;
    void on_resumed() override;
    Response broken(Response refusal) override;
    More more(std::string& piece) override;
    std::optional<Response> last_word() override;
    std::size_t route() const noexcept override { return route_ ? index_of(*route_) : Metrics::kNoRoute; }
    const char* route_name() const noexcept override { return route_ ? route_->pattern : "unmatched"; }

private:
    enum class Phase {
        arriving,   // head, and the body that is taken whole
        admission,  // where it waits: for the limits of its key
        statement,  // for the route's
        done,       // the route's has its result
        exporting,  // it is being sent, page by page (request_export.cpp)
        page,       // where that waits: for the next one
        upload,     // a file arrives; where it waits: for a chunk to be stored
        upload_end  // the file has arrived
    };

    // From any thread while it waits. The request may be gone when this returns.
    void finish(Response response) noexcept override;

    // These return the refusal, or nothing when all is well.
    std::optional<Response> check_head();
    std::optional<Response> find_route();
    std::optional<Response> check_credentials();
    std::optional<Response> check_once();
    std::optional<Response> check_media() const;
    std::optional<Response> check_format();
    LaneId lane_of_route() const;

    bool admit();  // false: it waits, or is refused
    void ask_limits();
    bool learn_limits();
    void begin();
    void submit();
    void ask();
    bool repeats_on_primary();
    Response result();

    void ask_page(const std::string& cursor);
    Response exported(Response response);
    std::span<const HeaderField> fields_of(const Response& response) const;

    std::optional<Response> begin_upload();
    bool store_chunk();
    void end_upload();
    void take_chunk();

    void queue(const Statement& what, LaneId where, bool repeatable);
    void answer(Response response);
    std::size_t body_limit() const noexcept;

    const Means& means_;
    Exchange& exchange_;
    Phase phase_ = Phase::arriving;
    const Route* route_ = nullptr;
    Media media_ = Media::other;
    Credentials credentials_;
    RateState rate_;
    bool on_primary_ = false;  // a key that the primary does not know is not asked of a replica
    std::string path_;         // {"id":"..."}
    std::string query_;        // {"name":["value"]}
    std::string once_;         // Idempotency-Key; empty: none
    std::string chunk_;        // of a file
    Response result_;          // of the last statement
    std::unique_ptr<ImportUpload> upload_;
    Format format_ = Format::json;     // of the answer
    std::unique_ptr<RowWriter> rows_;  // where that is not JSON
    std::string asked_query_, cursor_;
};

}  // namespace tallyd
