// tallyd's entry: read the configuration, run the sub-command.
#include <exception>
#include <iostream>

#include "config.hpp"
#include "serve.hpp"

int main(int argc, char** argv) {
    try {
        const auto configured = tallyd::read_config(argc, argv);
        if (const int* code = std::get_if<int>(&configured)) return *code;
        return tallyd::serve(std::get<tallyd::Config>(configured));
    } catch (const std::exception& error) {
        std::cerr << "tallyd: " << error.what() << '\n';
        return 1;
    }
}
