// One request on the wire, from its first line to its last byte sent. Owned by libmicrohttpd's con_cls: made when the
// request line is read, freed by the completed-notification. What is HTTP is judged here; all else by the handler.
#pragma once

#include <microhttpd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/metrics.hpp"
#include "http/body_memory.hpp"
#include "http/coded_body.hpp"
#include "http/connections.hpp"
#include "http/handler.hpp"

namespace tallyd {

class HttpRequest final : public Exchange {
public:
    // All outlive the request.
    struct Surroundings {
        Connections& connections;
        BodyMemory& memory;
        Metrics& metrics;
        Handlers& handlers;
    };

    HttpRequest(const Surroundings& around, MHD_Connection* wire, Connection* connection, const char* target);
    ~HttpRequest();
    HttpRequest(const HttpRequest&) = delete;
    HttpRequest& operator=(const HttpRequest&) = delete;

    // libmicrohttpd's access handler.
    MHD_Result step(const char* method, const char* version, const char* data, std::size_t* size);

    // libmicrohttpd refuses the request by itself: its page becomes our response.
    MHD_Result refuse_by_library(unsigned status, const std::string& reason);

    // The library gives the connection up although a response is there: its client closed the sending half.
    void answer_half_closed() noexcept;

    void log_and_count(bool completed) noexcept;

    const std::string& method() const noexcept override { return method_; }
    const std::string& target() const noexcept override { return target_; }
    const Head& head() const noexcept override { return head_; }
    const char* header(const char* name) const noexcept override;
    bool has_body() const noexcept override { return has_body_; }
    void take_whole(std::size_t limit) override;
    void take_stream(std::size_t memory, std::size_t limit, std::uint64_t inflated) override;
    std::string& body() noexcept override { return body_; }
    void answer(Response response) override;
    void wait() override;
    void resume() noexcept override;

private:
    enum class Phase {
        head,
        whole,     // the body is collected
        stream,    // or handed on
        waiting,   // for the handler's somebody
        refusing,  // a response is there, and what still comes of the body is thrown away before it is sent
        replied
    };

    MHD_Result take_head(const char* method, const char* version);
    bool begin_coding();
    MHD_Result take_coded(const char* data, std::size_t* size);
    bool inflate(const char* data, std::size_t* size);
    std::size_t take_inflated(const char* data, std::size_t size);
    void yield();
    bool takes_body() const noexcept { return phase_ == Phase::whole || phase_ == Phase::stream; }
    void append(const char* data, std::size_t size);
    MHD_Result swallow(std::size_t size);
    MHD_Result take_end();
    MHD_Result reply();
    static ssize_t read_stream(void* self, std::uint64_t at, char* room, std::size_t most);
    ssize_t give(char* room, std::size_t most);

    // These return the refusal, or nothing when all is well.
    std::optional<Response> check_head(const char* version);
    std::optional<Response> check_lines() const;
    std::optional<Response> check_framing(const char* version) const;
    bool has_bad_trailers();

    const Surroundings& around_;
    MHD_Connection* const wire_;
    Connection* const connection_;
    const Clock::time_point begun_;
    const std::string target_;
    const char* const target_end_;  // in the library's memory
    std::string id_;
    std::string method_;
    Head head_;
    Phase phase_ = Phase::head;
    Phase body_phase_ = Phase::whole;  // whole or stream: what is gone on with after waiting
    bool has_body_ = false;
    bool broken_ = false;  // head or trailers are: the connection ends with the response
    std::string body_;
    std::size_t limit_ = 0;
    BodyMemory::Share share_;
    std::unique_ptr<CodedBody> coded_;  // of a body that comes compressed
    std::uint64_t most_inflated_ = 0;   // of a stream
    std::uint64_t received_ = 0;
    std::uint64_t swallowed_ = 0;  // of a refused body
    unsigned status_ = 0;
    std::size_t sent_ = 0;
    Response response_;
    std::string piece_;  // of a response that is streamed: what the client takes next
    std::size_t piece_at_ = 0;
    std::unique_ptr<Handler> handler_;
};

}  // namespace tallyd
