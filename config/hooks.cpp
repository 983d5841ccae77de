#include "config/hooks.h"

#include <array>
#include <string_view>
#include <utility>

#include "config/fields.h"
#include "config/forms.h"

namespace reeve::config {

namespace {

enum class RunAs { Service, Root };
constexpr std::array<std::string_view, 2> kUsers{"service", "root"};

struct HookDraft {
    Argv command;
    std::optional<Duration> timeout;
    RunAs as = RunAs::Service;
};

constexpr std::array kHookKeys{
    Key{"command", value_field<Kind::Command, read_command, &HookDraft::command>, "", ""},
    Key{"timeout", value_field<Kind::Duration, read_positive_duration, &HookDraft::timeout>, "",
        ""},
    Key{"as", choice_field<kUsers, &HookDraft::as>, "", ""},
};
constexpr KeyList kKeys{kHookKeys.data(), kHookKeys.size()};

std::optional<Hook> read_hook(Reader& reader, Value value) {
    if (value.kind() != yaml::Kind::Map) {
        auto command = read_command(reader, value);
        return command ? std::optional(Hook{std::move(*command), {}, false}) : std::nullopt;
    }
    HookDraft draft;
    reader.map(value, kKeys, &draft);
    if (!value.find("command")) reader.error(value, "has no command", "add `command`");
    if (draft.command.empty()) return std::nullopt;
    return Hook{std::move(draft.command), draft.timeout, draft.as == RunAs::Root};
}

Literal written_hook(const Hook& hook) {
    if (!hook.timeout && !hook.as_root) return written(As<Kind::Command>{}, hook.command);
    const HookDraft bare;
    const HookDraft draft{hook.command, hook.timeout, hook.as_root ? RunAs::Root : RunAs::Service};
    return {written_keys(kKeys, &draft, &bare)};
}

}  // namespace

std::optional<std::vector<Hook>> read_hooks(Reader& reader, Value value) {
    std::size_t words = 0;
    const bool a_list = value.kind() == yaml::Kind::Sequence;
    for (std::size_t i = 0; a_list && i < value.size(); ++i) {
        const yaml::Kind kind = value.item(i).kind();
        if (kind != yaml::Kind::Sequence && kind != yaml::Kind::Map) ++words;
    }
    if (a_list && words > 0 && words < value.size()) {
        reader.error(value, "mixes words of one command with whole commands",
                     "write each command as a list of its own, such as [[a, b], [c]]");
        return std::nullopt;
    }
    std::vector<Hook> hooks;
    if (!a_list || words > 0) {
        auto hook = read_hook(reader, value);
        if (!hook) return std::nullopt;
        hooks.push_back(std::move(*hook));
        return hooks;
    }
    for (std::size_t i = 0; i < value.size(); ++i) {
        const Reader::Step step(reader, i);
        if (auto hook = read_hook(reader, value.item(i))) hooks.push_back(std::move(*hook));
    }
    return hooks;
}

Literal written(As<Kind::Commands>, const std::vector<Hook>& hooks) {
    if (hooks.size() == 1) return written_hook(hooks.front());
    Literal::List out;
    for (const Hook& hook : hooks) out.push_back(written_hook(hook));
    return {std::move(out)};
}

}  // namespace reeve::config
