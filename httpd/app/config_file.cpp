// The configuration file: see config_file.hpp.
#include "app/config_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace tallyd {

namespace {

constexpr std::string_view kBlanks = " \t\r";

// One line, read from left to right. Throws std::invalid_argument with what is wrong.
class Line {
public:
    explicit Line(std::string_view text) : rest_(text) { skip_blanks(); }

    bool done() const noexcept { return rest_.empty() || rest_.front() == '#'; }

    std::string key() {
        const std::size_t size = std::min(rest_.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), rest_.size());
        std::string name(rest_.substr(0, size));
        rest_.remove_prefix(size);
        skip_blanks();
        if (name.empty() || !take('='))
            throw std::invalid_argument("this is no option = value, such as port = 8080 (sections are not known here)");
        return name;
    }

    std::vector<std::string> values() {
        std::vector<std::string> all;
        if (!take('[')) {
            all.push_back(value());
        } else if (!take(']')) {
            do {
                all.push_back(value());
            } while (take(','));
            if (!take(']')) throw std::invalid_argument("a list ends with ] in the line where it begins");
        }
        if (!done())
            throw std::invalid_argument(
                "more follows after the value: put a text with blanks or signs into \"double quotes\"");
        return all;
    }

private:
    void skip_blanks() { rest_.remove_prefix(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

    bool take(char expected) {
        if (rest_.empty() || rest_.front() != expected) return false;
        rest_.remove_prefix(1);
        skip_blanks();
        return true;
    }

    std::string value() {
        if (!rest_.empty() && (rest_.front() == '"' || rest_.front() == '\'')) return quoted(rest_.front());
        const std::size_t size = std::min(rest_.find_first_of(" \t\r,[]#\"'="), rest_.size());
        if (size == 0) throw std::invalid_argument("the value is missing");
        std::string word(rest_.substr(0, size));
        rest_.remove_prefix(size);
        skip_blanks();
        return word;
    }

    // As in TOML: a backslash is one in 'single quotes', and escapes " and \ in "double quotes".
    std::string quoted(char quote) {
        std::string text;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            if (rest_[i] == quote) {
                rest_.remove_prefix(i + 1);
                skip_blanks();
                return text;
            }
            if (quote == '"' && rest_[i] == '\\') {
                ++i;
                if (i == rest_.size() || (rest_[i] != '"' && rest_[i] != '\\'))
                    throw std::invalid_argument(R"(a backslash in "double quotes" stands before " or \ alone: write \\)");
            }
            text += rest_[i];
        }
        throw std::invalid_argument(std::string("the closing ") + quote + " is missing");
    }

    std::string_view rest_;
};

bool in_environment(const CLI::Option& option) {
    const char* given = std::getenv(option.get_envname().c_str());
    return given && *given;
}

}  // namespace

std::string ConfigFile::name() const {
    const CLI::Option* file = app_.get_config_ptr();
    return file && file->count() > 0 ? file->as<std::string>() : std::string();
}

const CLI::Option& ConfigFile::option(const std::string& key) const {
    const CLI::Option* found = app_.get_option_no_throw("--" + key);
    if (!found || !found->get_configurable())
        throw std::invalid_argument("\"" + key + "\" is no option: `tallyd --help` lists them");
    return *found;
}

std::vector<CLI::ConfigItem> ConfigFile::from_config(std::istream& input) const {
    std::vector<CLI::ConfigItem> given;
    std::map<std::string, std::size_t> seen;
    std::string text;
    for (std::size_t number = 1; std::getline(input, text); ++number) {
        try {
            Line line(text);
            if (line.done()) continue;
            CLI::ConfigItem item;
            item.name = line.key();
            item.inputs = line.values();
            const CLI::Option& target = option(item.name);
            if (const auto [first, is_new] = seen.emplace(item.name, number); !is_new)
                throw std::invalid_argument(item.name + " is set in line " + std::to_string(first->second) + " already");
            if (item.inputs.size() != 1 && target.get_items_expected_max() < 2)
                throw std::invalid_argument(item.name + " takes one value, no list");
            if (target.count() > 0 || in_environment(target)) continue;
            lines_.emplace(item.name, number);
            given.push_back(std::move(item));
        } catch (const std::invalid_argument& wrong) {
            throw CLI::ConfigError(name() + ":" + std::to_string(number) + ": " + wrong.what(), CLI::ExitCodes::ConfigError);
        }
    }
    return given;
}

std::string ConfigFile::located(const std::string& message) const {
    for (std::size_t at = message.find("--"); at != std::string::npos; at = message.find("--", at + 2)) {
        const std::size_t end = message.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", at + 2);
        const auto line = lines_.find(message.substr(at + 2, end == std::string::npos ? end : end - at - 2));
        if (line != lines_.end()) return name() + ":" + std::to_string(line->second) + ": " + message;
    }
    return message;
}

}  // namespace tallyd
