// What the page is configured by.
#pragma once

#include <string>

namespace tallyd {

struct PageSettings {
    bool page = true;     // false: nothing is at /
    std::string sign_in;  // a file: see page/sign_in.hpp; empty: nobody is signed in by a code
};

}  // namespace tallyd
