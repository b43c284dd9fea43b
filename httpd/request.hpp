// One HTTP request from its request line to its last byte sent. Owned by libmicrohttpd's con_cls: made when the request
// line is read, freed by the completed-notification. While it is queued, a database thread may fill in the answer.
#pragma once

#include <microhttpd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "body.hpp"
#include "head.hpp"
#include "import_upload.hpp"
#include "job.hpp"
#include "peers.hpp"
#include "service.hpp"

namespace tallyd {

class HttpRequest final : public Job {
public:
    HttpRequest(Service& service, MHD_Connection* connection, Peer* peer, const char* target);
    ~HttpRequest();
    HttpRequest(const HttpRequest&) = delete;
    HttpRequest& operator=(const HttpRequest&) = delete;

    // libmicrohttpd's access handler.
    MHD_Result step(const char* method, const char* version, const char* data, std::size_t* size);

    // From any thread while queued. The request may be gone when this returns.
    void finish(Answer answer) noexcept override;

    // libmicrohttpd refuses the request by itself: its page becomes our answer.
    MHD_Result refuse_by_library(unsigned status, const std::string& reason);

    // The library gives the connection up although an answer is there: its client closed the sending half.
    void answer_half_closed() noexcept;

    void log_and_count(bool completed) noexcept;

private:
    enum class Phase { head, body, refused, queued, answered, replied };
    enum class Admission { passed, waiting, refused };

    // These return the refusal, or nothing when all is well.
    std::optional<Answer> check_head(const char* method, const char* version);
    std::optional<Answer> check_lines(const Head& head) const;
    std::optional<Answer> check_framing(const char* version);
    std::optional<Answer> find_route(const char* method);
    std::optional<Answer> check_key(int headers);
    std::optional<Answer> check_once(int headers);
    std::optional<Answer> check_media(bool coded) const;
    std::optional<Answer> check_announced_length();
    std::optional<Answer> check_trailers();
    std::optional<Answer> check_body();
    std::optional<Answer> take_json();
    std::optional<Answer> take_form();
    std::optional<Answer> check_keys() const;

    MHD_Result take_head(const char* method, const char* version);
    MHD_Result take_piece(const char* data, std::size_t size);
    MHD_Result take_end();
    MHD_Result submit();

    // Limits of requests per second (request_steps.cpp). waiting: suspended, and called again.
    Admission admit();
    void look_up_limits();
    bool take_answer();

    // Uploads of files (request_steps.cpp).
    std::optional<Answer> begin_upload();
    MHD_Result take_file(const char* data, std::size_t* size);
    MHD_Result take_file_end();
    bool store_chunk();
    void queue_job(JobQueue& queue);
    MHD_Result reply(Answer answer);

    const char* header(const char* name) const noexcept;
    bool account(std::size_t bytes) noexcept;
    void release_body() noexcept;
    std::size_t body_limit() const noexcept;

    Service& service_;
    MHD_Connection* const connection_;
    Peer* const peer_;
    const Clock::time_point begun_;
    std::string target_;
    const char* const target_end_;  // in the library's memory
    std::string id_;
    std::string method_;
    Phase phase_ = Phase::head;
    bool has_body_ = false;
    bool broken_ = false;  // head or trailers are: the connection ends with the answer
    Media media_ = Media::other;
    PresentedKeys keys_;
    std::uint64_t announced_ = 0;
    std::uint64_t received_ = 0;
    std::uint64_t swallowed_ = 0;  // of a refused body
    std::size_t accounted_ = 0;
    unsigned status_ = 0;
    std::size_t sent_ = 0;
    Answer answer_;
    RateState rate_;
    bool body_checked_ = false;
    bool admitted_ = false;
    bool file_ended_ = false;
    std::unique_ptr<ImportUpload> upload_;
};

}  // namespace tallyd
