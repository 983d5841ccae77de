#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "config/plan.h"
#include "config/problem.h"
#include "config/variables.h"
#include "config/yaml.h"

namespace reeve::config {

/// Reads values out of a YAML tree: knows the variables and where in the tree it is, and collects
/// every problem instead of stopping. Never throws, never looks at the system.
class Reader {
  public:
    Reader(const Environment& environment, std::vector<Problem>& problems)
        : environment_(environment), problems_(problems) {}

    /// What ${SERVICE} stands for from now on.
    void enter_service(std::optional<std::string_view> service) { service_ = service; }

    /// One step down the tree for as long as it lives; problems are reported below it.
    class Step {
      public:
        Step(Reader& reader, std::string_view key) : reader_(reader) {
            reader_.path_.push_back({key, 0});
        }
        Step(Reader& reader, std::size_t index) : reader_(reader) {
            reader_.path_.push_back({{}, index});
        }
        ~Step() { reader_.path_.pop_back(); }
        Step(const Step&) = delete;
        Step& operator=(const Step&) = delete;

      private:
        Reader& reader_;
    };

    void error(yaml::Value at, std::string what, std::string what_to_do);
    void error(yaml::Value at, const Misread& misread) {
        error(at, misread.what, misread.what_to_do);
    }
    void warning(yaml::Value at, std::string what, std::string what_to_do);
    /// The keys that lead here, such as "services.web.requires[2]".
    std::string path() const;

    /// A scalar's text with its variables filled in. `wanted` is said when it is none:
    /// "a duration". Nothing, and an error reported, unless all went well.
    std::optional<std::string> text(yaml::Value value, std::string_view wanted);
    /// The same, and then a parser from values.h.
    template <typename Parser>
    auto parse(yaml::Value value, std::string_view wanted, Parser parser)
        -> std::optional<std::decay_t<decltype(*parser(std::string_view()))>> {
        const auto read = text(value, wanted);
        if (!read) return std::nullopt;
        auto parsed = parser(std::string_view(*read));
        if (parsed) return std::move(*parsed);
        error(value, parsed.error());
        return std::nullopt;
    }
    /// True, and nothing reported, if the value is of this kind.
    bool is(yaml::Value value, yaml::Kind kind, std::string_view wanted);

    /// Reads a map by a table into `target`, which is what the table's fields point into. Unknown
    /// keys and those not built yet are errors.
    void map(yaml::Value value, std::span<const Section> table, void* target);
    void map(yaml::Value value, KeyList keys, void* target);

  private:
    friend class Step;
    struct PathStep {
        std::string_view key;
        std::size_t index;
    };

    void report(Severity severity, yaml::Value at, std::string what, std::string what_to_do);
    void unknown_key(yaml::Value key, std::span<const Section> table);

    const Environment& environment_;
    std::vector<Problem>& problems_;
    std::optional<std::string_view> service_;
    std::vector<PathStep> path_;
};

}  // namespace reeve::config
