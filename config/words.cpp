#include "config/words.h"

namespace reeve::config {

namespace {

constexpr std::string_view kBlank = " \t\n";

/// Reads one command line from left to right, one word at a time.
class Splitter {
  public:
    explicit Splitter(std::string_view text) : text_(text) {}

    Parsed<Argv> split() {
        while (at_ < text_.size() && !failure_) {
            const char c = text_[at_];
            if (c == '\n' && in_words() && more_follows()) {
                fail_for_shell("a newline");
            } else if (kBlank.find(c) != std::string_view::npos) {
                end_word();
                ++at_;
            } else {
                step(c);
            }
        }
        if (failure_) return *failure_;
        end_word();
        return words_;
    }

  private:
    bool in_words() const { return !words_.empty() || word_.has_value(); }
    bool more_follows() const {
        return text_.find_first_not_of(kBlank, at_) != std::string_view::npos;
    }
    void end_word() {
        if (word_) words_.push_back(*std::exchange(word_, std::nullopt));
    }
    void add(char c) {
        if (!word_) word_.emplace();
        *word_ += c;
    }

    void step(char c) {
        if (c == '\'') {
            single_quoted();
        } else if (c == '"') {
            double_quoted();
        } else if (c == '\\') {
            escaped();
        } else if (std::string_view("|<>;&()`").find(c) != std::string_view::npos) {
            fail_for_shell(quote(std::string_view(&c, 1)));
        } else {
            add(c);
            ++at_;
        }
    }

    void single_quoted() {
        const std::size_t end = text_.find('\'', at_ + 1);
        if (end == std::string_view::npos) return fail_for_quote("'");
        if (!word_) word_.emplace();
        *word_ += text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
    }

    void double_quoted() {
        if (!word_) word_.emplace();
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return;
            }
            const bool command = c == '`' || text_.substr(at_).starts_with("$(");
            if (command) return fail_for_shell(c == '`' ? "a backquote" : "$(");
            if (c != '\\' || at_ + 1 == text_.size()) {
                add(c);
                continue;
            }
            const char next = text_[++at_];
            if (next == '\n') continue;
            if (std::string_view("$`\"\\").find(next) == std::string_view::npos) add('\\');
            add(next);
        }
        fail_for_quote("\"");
    }

    void escaped() {
        if (at_ + 1 == text_.size()) {
            failure_ = Misread{"ends in a backslash", "write \\\\ for a backslash"};
            return;
        }
        const char next = text_[at_ + 1];
        if (next != '\n') add(next);
        at_ += 2;
    }

    void fail_for_quote(std::string_view mark) {
        failure_ = Misread{"a quote " + std::string(mark) + " is not closed",
                           "close it, or write the command as a list"};
    }
    void fail_for_shell(const std::string& what) {
        failure_ = Misread{"contains " + what + ", but no shell runs",
                           "quote it, or write [sh, -c, \"...\"]"};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    Argv words_;
    std::optional<std::string> word_;
    std::optional<Misread> failure_;
};

}  // namespace

Parsed<Argv> split_words(std::string_view text) { return Splitter(text).split(); }

}  // namespace reeve::config
