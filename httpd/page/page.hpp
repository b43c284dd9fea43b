// The page: answers "/", "/docs" and what is below "/page/", and leaves every other request to the API. It has no rights of
// its own: whatever it shows, a browser asks of the API with the key of who looks at it.
#pragma once

#include "http/handler.hpp"
#include "page/settings.hpp"
#include "page/sign_in.hpp"

namespace tallyd {

class Page final : public Handlers {
public:
    // label: what requests for the page are counted by. `rest` outlives this.
    Page(const PageSettings& settings, std::size_t label, Handlers& rest)
        : settings_(settings), label_(label), rest_(rest) {}
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;

    // Empty: done. Else what is wrong with the settings.
    std::string start();

    std::unique_ptr<Handler> handle(Exchange& exchange) override;

private:
    const PageSettings& settings_;
    const std::size_t label_;
    Handlers& rest_;
    page::SignIn sign_in_;
};

}  // namespace tallyd
