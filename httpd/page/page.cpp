// The page: see page.hpp.
#include "page/page.hpp"

#include <fmt/format.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/json_text.hpp"
#include "page/files.hpp"

namespace tallyd {

namespace {

constexpr std::string_view kDocs = "/docs";
constexpr std::string_view kSignIn = "/page/sign-in";
constexpr std::size_t kLongestBody = 1024;

bool is_json(const char* type) noexcept {
    return type && std::string_view(type).starts_with("application/json");
}

// A request for the page: a file of it, or the exchange of a code for a key.
class PageRequest final : public Handler {
public:
    PageRequest(Exchange& exchange, std::string path, bool on, std::size_t label, page::SignIn& sign_in)
        : exchange_(exchange), path_(std::move(path)), on_(on), label_(label), sign_in_(sign_in) {}

    void on_head() override {
        if (exchange_.method() == "POST" && on_ && path_ == kSignIn) return exchange_.take_whole(kLongestBody);
        Response response = answer_head();
        if (response.fields.empty()) page::make_safe(response);
        exchange_.answer(std::move(response));
    }

    void on_end() override {
        Response response = sign_in();
        if (response.fields.empty()) page::make_safe(response);
        exchange_.answer(std::move(response));
    }

    std::size_t on_piece(const char*, std::size_t) override { return 0; }
    void on_resumed() override {}
    std::optional<Response> last_word() override { return std::nullopt; }
    std::size_t route() const noexcept override { return label_; }
    const char* route_name() const noexcept override { return "page"; }

private:
    Response answer_head() {
        if (!on_)
            return refuse(404,
                          page::built()
                              ? "there is no page here: this tallyd runs with --page off"
                              : "there is no page here: this tallyd was built without it; build it where node and npm are",
                          R"({"hint":"GET /openapi.json describes every route."})");
        const bool posted = path_ == kSignIn;
        const bool read = exchange_.method() == "GET" || exchange_.method() == "HEAD";
        if (posted ? exchange_.method() == "POST" : read && !exchange_.has_body())
            return page::file(path_, exchange_.header("Accept-Encoding"), exchange_.header("If-None-Match"));
        if (!posted && !page::has_file(path_)) return refuse(404, "the page has no such file");
        if (!posted && read) return refuse(400, "this request takes no body");
        Response refusal = refuse(405, fmt::format("this does not know the method {}", exchange_.method()));
        refusal.allow = posted ? "POST" : "GET, HEAD";
        return refusal;
    }

    Response sign_in() {
        if (!is_json(exchange_.header("Content-Type"))) return refuse(415, "the Content-Type must be application/json");
        const auto code = Json(exchange_.body()).text("/code");
        if (!code) return refuse_field(400, "code is missing", "code");
        const auto key = sign_in_.take(*code, Clock::now());
        if (!key) return refuse_field(404, "this code was used before, is too old, or was never given", "code");
        Response answer;
        answer.status = 200;
        answer.body = "{\"key\":";
        append_json_string(answer.body, *key);
        answer.body += '}';
        return answer;
    }

    Exchange& exchange_;
    const std::string path_;
    const bool on_;
    const std::size_t label_;
    page::SignIn& sign_in_;
};

}  // namespace

std::string Page::start() {
    return settings_.sign_in.empty() ? std::string() : sign_in_.read(settings_.sign_in, Clock::now());
}

std::unique_ptr<Handler> Page::handle(Exchange& exchange) {
    const std::string_view target = exchange.target();
    const std::string_view path = target.substr(0, target.find('?'));
    if (path != "/" && path != kDocs && !path.starts_with("/page/")) return rest_.handle(exchange);
    return std::make_unique<PageRequest>(exchange, std::string(path), settings_.page && page::built(), label_, sign_in_);
}

}  // namespace tallyd
