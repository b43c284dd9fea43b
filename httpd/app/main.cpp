// tallyd's entry: read the configuration, run the sub-command.
#include <exception>
#include <iostream>
#include <string_view>

#include "app/config.hpp"
#include "app/serve.hpp"
#include "cli/import_command.hpp"
#include "cli/tenant_command.hpp"

int main(int argc, char** argv) {
    try {
        const std::string_view command = argc > 1 ? argv[1] : "";
        if (command == "import") return tallyd::import_command(argc - 1, argv + 1);
        if (command == "tenant") return tallyd::tenant_command(argc - 1, argv + 1);
        const auto configured = tallyd::read_config(argc, argv);
        if (const int* code = std::get_if<int>(&configured)) return *code;
        return tallyd::serve(std::get<tallyd::Config>(configured));
    } catch (const std::exception& error) {
        std::cerr << "tallyd: " << error.what() << '\n';
        return 1;
    }
}
