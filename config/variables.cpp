#include "config/variables.h"

#include "config/instances.h"

namespace reeve::config {

namespace {

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return begins_name(c) || (c >= '0' && c <= '9'); }

/// One ${...} as it stands in a text.
struct Reference {
    std::string_view name;
    std::optional<std::string_view> fallback;
    std::size_t length = 0;  ///< from the dollar to the brace
};

/// The reference that begins at the front, if it is one by our rules.
std::optional<Reference> reference_at(std::string_view text) {
    if (!text.starts_with("${") || text.size() < 3 || !begins_name(text[2])) return std::nullopt;
    std::size_t end = 2;
    while (end < text.size() && continues_name(text[end])) ++end;
    Reference reference;
    reference.name = text.substr(2, end - 2);
    if (text.substr(end).starts_with(":-")) {
        const std::size_t close = text.find('}', end);
        if (close == std::string_view::npos) return std::nullopt;
        reference.fallback = text.substr(end + 2, close - end - 2);
        end = close;
    }
    if (end >= text.size() || text[end] != '}') return std::nullopt;
    reference.length = end + 1;
    return reference;
}

class Expansion {
  public:
    Expansion(const Environment& environment, std::optional<std::string_view> service)
        : environment_(environment), service_(service) {}

    Expanded run(std::string_view text) {
        while (!text.empty()) {
            const std::size_t dollar = text.find('$');
            result_.text += text.substr(0, dollar);
            if (dollar == std::string_view::npos) break;
            text.remove_prefix(dollar);
            if (text.starts_with("$$")) {
                result_.text += '$';
                text.remove_prefix(2);
            } else if (const auto reference = reference_at(text)) {
                fill_in(*reference);
                text.remove_prefix(reference->length);
            } else {
                result_.text += '$';
                text.remove_prefix(1);
            }
        }
        return std::move(result_);
    }

  private:
    void fill_in(const Reference& reference) {
        const std::string shown = "${" + std::string(reference.name) + "}";
        if (reference.name == "INSTANCE") {
            if (!service_) return fail(shown + " stands outside of a service", "remove it");
            const auto instance = instance_of(*service_);
            if (!instance) {
                return fail(shown + " stands in a service without instances",
                            "add `instances`, or write ${SERVICE} for its name");
            }
            result_.text += *instance;
            return;
        }
        if (reference.name == "SERVICE") {
            if (!service_) return fail(shown + " stands outside of a service", "remove it");
            result_.text += *service_;
            return;
        }
        const auto found = environment_.find(std::string(reference.name));
        // As in a shell, ":-" also takes the place of an empty value.
        if (found != environment_.end() && !(reference.fallback && found->second.empty())) {
            result_.text += found->second;
        } else if (!reference.fallback) {
            fail("undefined variable " + shown, "set it in the environment, write ${" +
                                                    std::string(reference.name) +
                                                    ":-default}, or $$ for a dollar");
        } else if (reference.fallback->find("${") != std::string_view::npos) {
            fail("a variable in the default of " + shown, "write a plain text after :-");
        } else {
            result_.text += *reference.fallback;
        }
    }
    void fail(std::string what, std::string what_to_do) {
        result_.misread.push_back({std::move(what), std::move(what_to_do)});
    }

    const Environment& environment_;
    std::optional<std::string_view> service_;
    Expanded result_;
};

}  // namespace

Expanded expand(std::string_view text, const Environment& environment,
                std::optional<std::string_view> service) {
    return Expansion(environment, service).run(text);
}

bool mentions_service(std::string_view text) {
    return text.find("${SERVICE") != std::string_view::npos ||
           text.find("${INSTANCE") != std::string_view::npos;
}

}  // namespace reeve::config
