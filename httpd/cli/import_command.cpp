// The sub-command "import": see import_command.hpp.
#include "cli/import_command.hpp"

#include <fmt/format.h>
#include <jansson.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "base/backoff.hpp"
#include "base/import_chunker.hpp"
#include "cli/event_source.hpp"
#include "cli/http_client.hpp"
#include "cli/import_options.hpp"
#include "cli/import_progress.hpp"

namespace tallyd {

namespace {

constexpr ChunkLimits kPiece{5000, std::size_t{2} << 20, std::size_t{1} << 20};
constexpr std::size_t kRead = 256 << 10;

volatile std::sig_atomic_t interrupted = 0;  // by Ctrl-C or SIGTERM

// The first one lets the command say where it was; a second one ends it at once.
void catch_interrupts() {
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

class Importer {
public:
    explicit Importer(const ImportOptions& options)
        : options_(options),
          from_stdin_(options.file == "-"),
          format_(format_of(options)),
          title_(from_stdin_ ? "stdin" : std::filesystem::path(options.file).filename().string()),
          state_path_(options.file + ".tally-import"),
          client_(address(options.url), read_key(options), ca_file(options), interrupted) {}

    int run() {
        open();
        const bool resumed = resume();
        // tallyd judges every line, so that the import knows of those too that cannot be read.
        ImportChunker chunker(format_, kPiece, resumed ? state_.line : 0, Unreadable::keep);
        if (resumed) feed_header(chunker);
        Progress progress(title_, state_.size, source_.position(), isatty(STDERR_FILENO) != 0);
        progress_ = &progress;
        begun_at_line_ = state_.line;
        const auto input = std::make_unique<char[]>(kRead);
        while (const std::size_t size = source_.read(input.get(), kRead)) {
            check_interrupt();
            take(chunker, input.get(), size);
        }
        chunker.end();
        if (state_.import_id.empty()) begin(chunker);
        if (!chunker.empty()) store(chunker);
        return finish();
    }

private:
    static std::string address(const std::string& text) {
        std::string wrong;
        const auto base = base_url(text, wrong);
        if (!base) throw Stop{kUsage, "--url: " + wrong};
        return *base;
    }

    static std::string ca_file(const ImportOptions& options) {
        if (!options.ca_file.empty() && !std::ifstream(options.ca_file).good())
            throw Stop{kUsage, "--ca-file: cannot read " + options.ca_file};
        return options.ca_file;
    }

    void open() {
        if (from_stdin_) {
            std::ios::sync_with_stdio(false);
            return;
        }
        struct stat info {};
        errno = 0;
        if (stat(options_.file.c_str(), &info) == 0) {
            if (S_ISDIR(info.st_mode)) errno = EISDIR;
            else input_.open(options_.file, std::ios::binary);
        }
        if (!input_.is_open()) throw Stop{kUsage, "cannot read " + options_.file + reason_of_errno()};
        resumable_ = S_ISREG(info.st_mode);
        if (!resumable_) return;
        state_.size = static_cast<std::uint64_t>(info.st_size);
        state_.modified =
            static_cast<std::uint64_t>(info.st_mtim.tv_sec) * 1000000000U + static_cast<std::uint64_t>(info.st_mtim.tv_nsec);
    }

    bool resume() {
        state_.url = options_.url;
        ImportState before;
        if (!resumable_ || options_.restart || !read_state(state_path_, before)) return false;
        if (before.size != state_.size || before.modified != state_.modified || before.url != state_.url ||
            before.header_bytes > before.offset) {
            say("the file or the address is another one than in " + state_path_ +
                ": beginning anew, what is stored already counts once");
            return false;
        }
        if (!goes_on(before)) return false;
        state_ = before;
        say(fmt::format("going on at line {} of import {}", state_.line, state_.import_id));
        return true;
    }

    // The import may have been taken back meanwhile: then the file counts anew.
    bool goes_on(const ImportState& before) {
        const std::string header = read_header(before);
        const std::string body = format_ == ImportFormat::csv ? header : "\n";
        const HttpClient::Result result = attempt(fmt::format("import_id={}&line={}", before.import_id, before.line), body);
        if (result.status == 200) return true;
        if (result.status != 404 && result.status != 409) throw Stop{kFailed, message_of(result)};
        say(message_of(result) + ": beginning anew");
        return false;
    }

    std::string read_header(const ImportState& state) {
        std::string header(static_cast<std::size_t>(state.header_bytes), '\0');
        go_to(0);
        for (std::size_t had = 0; had < header.size();) {
            const std::size_t got = source_.read(header.data() + had, header.size() - had);
            if (got == 0) throw UnreadableFile(" is shorter than it was");
            had += got;
        }
        go_to(0);
        return header;
    }

    void feed_header(ImportChunker& chunker) {
        const std::string header = read_header(state_);
        if (format_ == ImportFormat::csv) chunker.feed(header.data(), header.size());
        go_to(state_.offset);
        read_ = state_.offset;
    }

    void go_to(std::uint64_t offset) {
        if (!source_.seek(offset)) throw UnreadableFile(" is shorter than it was");
    }

    void take(ImportChunker& chunker, const char* data, std::size_t size) {
        while (size > 0) {
            // Until the header is known byte by byte, so that its end is known too.
            const bool head = state_.import_id.empty();
            const std::size_t taken = chunker.feed(data, head && format_ == ImportFormat::csv ? 1 : size);
            read_ += taken;
            data += taken;
            size -= taken;
            if (head && chunker.header_known()) begin(chunker);
            if (chunker.full()) store(chunker);
        }
    }

    void check_interrupt() const {
        if (interrupted == 0) return;
        const std::string sent = state_.line > 0 ? fmt::format("the lines before line {} were taken", state_.line)
                                                 : std::string("nothing was sent");
        throw Stop{kInterrupted,
                   "interrupted: " + sent +
                       (resumable_ ? "; run the same command again to go on from there" : "; sent again they count once")};
    }

    // Begins the import without any event, so that no event is ever in one whose id got lost.
    void begin(ImportChunker& chunker) {
        state_.header_bytes = format_ == ImportFormat::csv ? read_ : 0;
        if (read_ == 0 && format_ == ImportFormat::csv)
            throw Stop{kFailed, title_ + " is empty: CSV begins with a line that names its columns"};
        const std::string name = options_.name.empty() ? title_ : options_.name;
        const std::string body = format_ == ImportFormat::csv ? chunker.header() + '\n' : "\n";
        take_answer(send("name=" + percent_encode(name), body));
        state_.line = format_ == ImportFormat::csv ? chunker.next_line() : 1;
        state_.offset = state_.header_bytes;
        begun_at_line_ = state_.line;
        remember();
    }

    void remember() const {
        if (!resumable_) return;
        if (const std::string wrong = write_state(state_path_, state_); !wrong.empty()) throw Stop{kFailed, wrong};
    }

    void store(ImportChunker& chunker) {
        const std::uint64_t line = chunker.first_line_of_chunk();
        const std::string body = chunker.take();
        take_answer(send(fmt::format("import_id={}&line={}", state_.import_id, line), body));
        state_.line = chunker.next_line();
        state_.offset = read_;
        remember();
        progress_->show(source_.position(), state_.line - begun_at_line_);
    }

    // Sends a piece until it is acknowledged; events count once, however often that takes.
    std::string send(const std::string& query, const std::string& body) {
        HttpClient::Result result = attempt(query, body);
        if (result.status != 200) throw Stop{kFailed, message_of(result)};
        return std::move(result.body);
    }

    // The answer, as soon as there is one that another try would not change.
    HttpClient::Result attempt(const std::string& query, const std::string& body) {
        const auto give_up = std::chrono::steady_clock::now() + std::chrono::duration<double>(options_.patience);
        Backoff pause(std::chrono::milliseconds(200), std::chrono::seconds(15));
        for (;;) {
            HttpClient::Result result = client_.post(
                "/api/v1/events/import?" + query, format_ == ImportFormat::csv ? "text/csv" : "application/x-ndjson", body);
            check_interrupt();
            const bool again = !result.permanent &&
                               (result.status == 0 || result.status == 408 || result.status == 429 || result.status >= 500);
            if (!again && result.status != 0) return result;
            const std::string why = result.status == 0 ? options_.url + ": " + result.body : message_of(result);
            if (!again) throw Stop{kFailed, why};
            auto wait = std::max<std::chrono::milliseconds>(pause.next(random_), std::chrono::seconds(result.retry_after));
            if (std::chrono::steady_clock::now() + wait > give_up) {
                complain_of(result.body);
                throw Stop{kFailed, why + (resumable_ ? "; run the same command again to go on from here" : "")};
            }
            say(why + fmt::format(", trying again for {:.0f} s",
                                  std::chrono::duration<double>(give_up - std::chrono::steady_clock::now()).count()));
            for (const auto until = std::chrono::steady_clock::now() + wait; std::chrono::steady_clock::now() < until;) {
                check_interrupt();
                std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(wait, std::chrono::milliseconds(50)));
            }
        }
    }

    static std::string message_of(const HttpClient::Result& result) {
        const std::unique_ptr<json_t, void (*)(json_t*)> body(json_loads(result.body.c_str(), 0, nullptr), json_decref);
        const char* message = json_string_value(json_object_get(body.get(), "message"));
        return fmt::format("{} {}", result.status, message ? message : "without a reason");
    }

    void take_answer(const std::string& text) {
        const std::unique_ptr<json_t, void (*)(json_t*)> body(json_loads(text.c_str(), 0, nullptr), json_decref);
        const char* id = json_string_value(json_object_get(body.get(), "import_id"));
        if (!id) throw Stop{kFailed, "the answer is not one of tallyd"};
        state_.import_id = id;
        const json_t* totals = json_object_get(body.get(), "totals");
        const auto number = [totals](const char* name) {
            return static_cast<std::uint64_t>(json_integer_value(json_object_get(totals, name)));
        };
        state_.accepted = number("accepted");
        state_.duplicates = number("duplicates");
        state_.failed = number("failed");
        complain_of(text);
    }

    // Says which lines were refused.
    void complain_of(const std::string& answer) {
        const std::unique_ptr<json_t, void (*)(json_t*)> body(json_loads(answer.c_str(), 0, nullptr), json_decref);
        std::size_t at;
        json_t* failure;
        json_array_foreach(json_object_get(body.get(), "failures"), at, failure) {
            const char* reason = json_string_value(json_object_get(failure, "reason"));
            const char* field = json_string_value(json_object_get(failure, "field"));
            complain(static_cast<std::uint64_t>(json_integer_value(json_object_get(failure, "line"))), reason ? reason : "",
                     field ? field : "");
        }
    }

    void complain(std::uint64_t line, const std::string& reason, const std::string& field) {
        if (progress_) progress_->clear();
        std::fprintf(stderr, "%s:%s: %s%s\n", title_.c_str(), std::to_string(line).c_str(), reason.c_str(),
                     field.empty() ? "" : (" (" + field + ")").c_str());
    }

    void say(const std::string& text) {
        if (progress_) progress_->clear();
        std::fprintf(stderr, "tallyd import: %s\n", text.c_str());
    }

    int finish() {
        progress_->clear();
        if (resumable_) std::filesystem::remove(state_path_);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
        std::printf("%s\n", fmt::format("{}: {} accepted, {} duplicates, {} failed in {:.1f} s", state_.import_id,
                                        state_.accepted, state_.duplicates, state_.failed, seconds)
                                .c_str());
        return state_.failed > 0 ? kLinesRefused : kDone;
    }

    const ImportOptions& options_;
    const bool from_stdin_;
    const ImportFormat format_;
    const std::string title_, state_path_;
    HttpClient client_;
    std::ifstream input_;
    EventSource source_{from_stdin_ ? std::cin : input_};
    bool resumable_ = false;
    ImportState state_;
    std::uint64_t read_ = 0, begun_at_line_ = 0;
    Progress* progress_ = nullptr;
    std::minstd_rand random_{std::random_device{}()};
    const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
};

}  // namespace

int import_command(int argc, const char* const* argv) {
    ImportOptions options;
    if (const int wrong = read_options(argc, argv, options); wrong >= 0) return wrong;
    signal(SIGPIPE, SIG_IGN);
    catch_interrupts();
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl cannot be used");
    try {
        return Importer(options).run();
    } catch (const UnreadableFile& error) {
        std::cerr << "tallyd import: " << options.file << error.what() << '\n';
        return kFailed;
    } catch (const Stop& stop) {
        std::cerr << (isatty(STDERR_FILENO) ? "\r\x1b[K" : "") << "tallyd import: " << stop.message << '\n';
        return stop.code;
    }
}

}  // namespace tallyd
