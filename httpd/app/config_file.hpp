// The file that --config names: lines such as `port = 8080`, `listen = "::1"`, `cors-origin = ["https://a.example",
// "none"]`, and comments. Strict, so that a mistake in it is told with its line instead of meaning something else.
// Invariant: what a flag or the environment gives is not taken from the file, and not blamed on it.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace tallyd {

class ConfigFile : public CLI::ConfigTOML {
public:
    // Reads for the options of this app, whose flags are parsed by then.
    explicit ConfigFile(const CLI::App& app) : app_(app) {}

    // Throws CLI::ConfigError: the file, the line, what is wrong, what to do.
    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

    // The message, with file and line where it is about an option that the file has set.
    std::string located(const std::string& message) const;

    std::string name() const;

private:
    const CLI::Option& option(const std::string& key) const;

    const CLI::App& app_;
    // Option without dashes, and its line. CLI11 asks a const reader.
    mutable std::map<std::string, std::size_t> lines_;
};

}  // namespace tallyd
