#include "supervisor/init/options.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/signal_name.h"

namespace reeve::init {
namespace {

/// "SIGTERM:SIGQUIT" or "15:0" into the table.
Result<> rewrite(std::string_view rule, Options& options) {
    const std::size_t colon = rule.find(':');
    const auto from = signal_number(rule.substr(0, colon));
    const std::string_view target = colon == rule.npos ? "" : rule.substr(colon + 1);
    const auto to = target == "0" ? 0 : signal_number(target);
    if (!from || !to) {
        return error(
            "--rewrite takes FROM:TO, two signals by name or number (TO 0: swallow), not " +
            std::string(rule));
    }
    if (*from == SIGKILL || *from == SIGSTOP) {
        return error("cannot rewrite " + signal_name(*from) + ": nobody can catch it");
    }
    int& sends = options.sends[static_cast<std::size_t>(*from)];
    if (sends != *from && sends != *to) {
        return error("--rewrite has two answers to " + signal_name(*from));
    }
    sends = *to;
    return {};
}

Result<> expect(std::string_view word, Options& options) {
    unsigned code = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), code);
    if (failed != std::errc() || end != word.data() + word.size() ||
        code >= options.expected.size()) {
        return error("--expect-exit takes an exit status from 0 to 255, not " + std::string(word));
    }
    options.expected.set(code);
    return {};
}

using Reader = Result<> (*)(std::string_view, Options&);

/// The words before `--`, one after the other.
class Words {
  public:
    explicit Words(std::span<char* const> words) : words_(words) {}

    /// False if there is one that is no option of ours, or a value that is missing.
    Result<bool> read(Options& options) {
        while (!words_.empty()) {
            const std::string_view word = words_.front();
            words_ = words_.subspan(1);
            auto known =
                word.starts_with("--") ? long_option(word, options) : short_options(word, options);
            if (!known || !*known) return known;
        }
        return true;
    }

  private:
    static Result<bool> pass(Reader reader, std::string_view value, Options& options) {
        if (auto read = reader(value, options); !read) return read.error();
        return true;
    }

    Result<bool> with_next(Reader reader, Options& options) {
        if (words_.empty()) return false;
        const std::string_view value = words_.front();
        words_ = words_.subspan(1);
        return pass(reader, value, options);
    }

    Result<bool> long_option(std::string_view word, Options& options) {
        const std::size_t equals = word.find('=');
        const std::string_view name = word.substr(0, equals);
        if (word == "--group") return options.group = true;
        const Reader reader = name == "--rewrite"       ? rewrite
                              : name == "--expect-exit" ? expect
                                                        : nullptr;
        if (reader == nullptr) return false;
        if (equals == word.npos) return with_next(reader, options);
        return pass(reader, word.substr(equals + 1), options);
    }

    /// "-g", "-e", "-e3", "-ge3".
    Result<bool> short_options(std::string_view word, Options& options) {
        if (word.size() < 2 || word[0] != '-') return false;
        for (std::size_t i = 1; i < word.size(); ++i) {
            if (word[i] == 'e') {
                if (i + 1 == word.size()) return with_next(expect, options);
                return pass(expect, word.substr(i + 1), options);
            }
            if (word[i] != 'g') return false;
            options.group = true;
        }
        return true;
    }

    std::span<char* const> words_;
};

}  // namespace

Options::Options() {
    for (std::size_t signal = 0; signal < sends.size(); ++signal) {
        sends[signal] = static_cast<int>(signal);
    }
}

std::optional<Result<Options>> parse(std::span<char* const> words) {
    const auto end = std::find(words.begin(), words.end(), std::string_view("--"));
    if (end == words.end()) return std::nullopt;
    Options options;
    const auto known = Words({words.begin(), end}).read(options);
    if (!known) return known.error();
    if (!*known) return std::nullopt;
    if (end + 1 == words.end()) return error("there is no command behind --");
    options.command = &*(end + 1);
    return options;
}

}  // namespace reeve::init
