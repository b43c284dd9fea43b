// Handler: what the HTTP side knows of whoever answers requests: nothing of routes, keys or databases.
//
// The life of one request: on_head(); then the body, taken whole (it stands in Exchange::body() when on_end() is
// called) or as a stream (on_piece() for each piece of it); then on_end(). At each of these moments the handler may
// answer, and at each but the first wait for somebody else: nothing more is called until that one has called
// Exchange::resume(), from whatever thread; then on_resumed() is, and after it, where the handler neither answered nor
// waits again, what was due: the next piece, or on_end() once more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/response.hpp"
#include "http/head.hpp"

namespace tallyd {

// The request as its handler sees it, and what can be done with it.
class Exchange {
public:
    virtual const std::string& method() const noexcept = 0;
    virtual const std::string& target() const noexcept = 0;
    virtual const Head& head() const noexcept = 0;
    virtual const char* header(const char* name) const noexcept = 0;  // nullptr: there is none
    virtual bool has_body() const noexcept = 0;

    // In on_head(), the last thing there. Whole: up to limit bytes; what is larger is refused. Stream: piece by piece,
    // while the handler holds up to `memory` bytes of its own; limit: of what is read on after a refusal, about. Either
    // may refuse the request at once: then nothing more comes. A body that comes compressed is inflated on its way: a
    // whole one up to the limit, a stream up to `inflated` bytes. Its Content-Encoding is one that coding_of() knows.
    virtual void take_whole(std::size_t limit) = 0;
    virtual void take_stream(std::size_t memory, std::size_t limit, std::uint64_t inflated) = 0;

    virtual std::string& body() noexcept = 0;

    virtual void answer(Response response) = 0;
    virtual void wait() = 0;
    virtual void resume() noexcept = 0;

protected:
    ~Exchange() = default;
};

class Handler {
public:
    virtual ~Handler() = default;

    virtual void on_head() = 0;
    // How many bytes were taken: not all of them where it waits or answers.
    virtual std::size_t on_piece(const char* data, std::size_t size) = 0;
    virtual void on_end() = 0;
    virtual void on_resumed() = 0;

    // The body of a stream ends in the middle: with what is said of it the handler refuses it.
    virtual Response broken(Response refusal) { return refusal; }

    // Of a response that is streamed, when the client has taken what there was: the next piece of it, or that it comes when
    // the one that the handler waits for has called resume().
    enum class More { piece, wait, end, broken };
    virtual More more(std::string&) { return More::end; }

    // The response that on_resumed() would give, if that is known already: for a client that is given up now.
    virtual std::optional<Response> last_word() = 0;

    // By what the request is counted and logged: Metrics::kNoRoute and "unmatched" where nobody knows.
    virtual std::size_t route() const noexcept = 0;
    virtual const char* route_name() const noexcept = 0;
};

// Makes a handler for each request, when its first line has come.
class Handlers {
public:
    virtual std::unique_ptr<Handler> handle(Exchange& exchange) = 0;

protected:
    ~Handlers() = default;
};

}  // namespace tallyd
