// What `tallyd import` is told: see import_options.hpp.
#include "cli/import_options.hpp"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>

#include "cli/import_file.hpp"

namespace tallyd {

std::string reason_of_errno() {
    return errno == 0 ? std::string() : std::string(": ") + std::strerror(errno);
}

std::string read_key(const ImportOptions& options) {
    std::string key;
    if (!options.key_file.empty()) {
        errno = 0;
        std::ifstream file(options.key_file);
        if (!std::getline(file, key)) throw Stop{kUsage, "cannot read a key from " + options.key_file + reason_of_errno()};
    } else if (const char* given = std::getenv("TALLYD_KEY")) {
        key = given;
    }
    while (!key.empty() && std::isspace(static_cast<unsigned char>(key.back()))) key.pop_back();
    if (key.empty()) throw Stop{kUsage, "an API key is needed: --key-file FILE, or TALLYD_KEY in the environment"};
    if (key.find_first_of(" \t\r\n") != std::string::npos) throw Stop{kUsage, "the API key contains blanks"};
    return key;
}

ImportFormat format_of(const ImportOptions& options) {
    if (is_archive_name(options.file)) throw Stop{kUsage, options.file + kArchive};
    if (!options.format.empty()) return options.format == "csv" ? ImportFormat::csv : ImportFormat::ndjson;
    if (const auto format = format_of_name(options.file)) return *format;
    throw Stop{kUsage, "the name \"" + options.file + "\" does not say the format: use --format csv or --format ndjson"};
}

int read_options(int argc, const char* const* argv, ImportOptions& options) {
    CLI::App app{"Sends a file of events (CSV or NDJSON) to tallyd; run again after a cut, it goes on where it was",
                 "tallyd import"};
    app.add_option("FILE", options.file, "the file; - reads standard input")->required();
    app.add_option("--url", options.url, "address of tallyd: http or https, with the path that a proxy serves it under")
        ->envname("TALLYD_URL")
        ->capture_default_str();
    app.add_option("--ca-file", options.ca_file, "PEM file of the certificates to trust for https, in place of the system's")
        ->envname("TALLYD_CA_FILE");
    app.add_option("--key-file", options.key_file, "file that holds the API key; else TALLYD_KEY of the environment");
    app.add_option("--format", options.format, "csv or ndjson, where the file's name does not say so")
        ->transform(CLI::IsMember({"csv", "ndjson"}, CLI::ignore_case));
    app.add_option("--name", options.name, "name of the import in lists (the file's name)");
    app.add_option("--patience", options.patience, "go on trying this long where tallyd does not answer (seconds)")
        ->check(CLI::Range(0.0, 86400.0))
        ->capture_default_str();
    app.add_flag("--restart", options.restart, "begin anew, although FILE.tally-import says where to go on");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        std::cerr << "tallyd import: " << error.what() << "\nRun with --help for more information.\n";
        return kUsage;
    }
    return -1;
}

}  // namespace tallyd
