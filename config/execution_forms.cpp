#include "config/execution_forms.h"

#include <algorithm>
#include <utility>

#include "config/execution_keys.h"
#include "config/execution_values.h"
#include "config/list_forms.h"

namespace reeve::config {

namespace {

/// What ioprio_set(2) takes for a class that nobody gave a level.
constexpr int kUsualLevel = 4;

void make_set(std::vector<int>& numbers) {
    std::sort(numbers.begin(), numbers.end());
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

bool is_real_time(SchedulingDraft::Policy policy) {
    return policy == SchedulingDraft::Policy::Fifo || policy == SchedulingDraft::Policy::RoundRobin;
}

}  // namespace

std::optional<std::vector<std::string>> read_folders(Reader& reader, Value value) {
    auto names = read_list(reader, value, "a list of names", [](Reader& r, Value v) {
        return read_checked(r, v, "the name of a folder", check_folder);
    });
    if (names) sort_names(reader, value, *names);
    return names;
}

std::optional<std::vector<int>> read_cpus(Reader& reader, Value value) {
    const auto read = [](Reader& r, Value v) { return r.parse(v, "CPUs such as 0-3", parse_cpus); };
    if (value.kind() == yaml::Kind::Scalar) return read(reader, value);
    const auto lists = read_list(reader, value, "a list of CPUs", read);
    if (!lists) return std::nullopt;
    std::vector<int> cpus;
    for (const std::vector<int>& list : *lists) cpus.insert(cpus.end(), list.begin(), list.end());
    make_set(cpus);
    return cpus;
}

std::optional<std::vector<int>> read_capabilities(Reader& reader, Value value) {
    auto numbers = read_list(reader, value, "a list of capabilities", [](Reader& r, Value v) {
        return r.parse(v, "the name of a capability", parse_capability);
    });
    if (numbers) make_set(*numbers);
    return numbers;
}

void read_scheduling(Reader& reader, Value value, std::optional<Scheduling>& scheduling) {
    SchedulingDraft draft;
    if (value.kind() == yaml::Kind::Scalar) {
        const auto word = read_choice(reader, value, kPolicies);
        if (!word) return;
        draft.policy = static_cast<SchedulingDraft::Policy>(*word);
    } else if (reader.is(value, yaml::Kind::Map,
                         "a policy or a map such as {policy: rr, priority: 10}")) {
        reader.map(value, {kSchedulingKeys.data(), kSchedulingKeys.size()}, &draft);
        if (!value.find("policy")) reader.error(value, "has no policy", "add it");
    }
    if (!draft.policy) return;
    const std::string_view name = kPolicies[static_cast<std::size_t>(*draft.policy)];
    if (is_real_time(*draft.policy) && !draft.priority && !value.find("priority")) {
        return reader.error(value, quote(name) + " has no priority",
                            "write such as {policy: " + std::string(name) + ", priority: 10}");
    }
    if (!is_real_time(*draft.policy) && value.find("priority")) {
        const Reader::Step step(reader, "priority");
        return reader.error(value.find("priority"), quote(name) + " knows no priorities",
                            "remove it; `nice` is for such processes");
    }
    scheduling = Scheduling{kPolicyNumbers[static_cast<std::size_t>(*draft.policy)],
                            draft.priority.value_or(0)};
}

Literal written_scheduling(const Scheduling& scheduling) {
    const auto at = std::find(kPolicyNumbers.begin(), kPolicyNumbers.end(), scheduling.policy);
    const auto index = static_cast<std::size_t>(at - kPolicyNumbers.begin());
    if (!is_real_time(static_cast<SchedulingDraft::Policy>(index)))
        return {std::string(kPolicies[index])};
    const SchedulingDraft draft{static_cast<SchedulingDraft::Policy>(index), scheduling.priority},
        bare;
    return {written_keys({kSchedulingKeys.data(), kSchedulingKeys.size()}, &draft, &bare)};
}

void read_io_priority(Reader& reader, Value value, std::optional<IoPriority>& priority) {
    using Class = IoPriorityDraft::Class;
    IoPriorityDraft draft;
    if (value.kind() == yaml::Kind::Scalar) {
        const auto word = read_choice(reader, value, kIoClasses);
        if (!word) return;
        draft.io_class = static_cast<Class>(*word);
    } else if (reader.is(value, yaml::Kind::Map,
                         "a class or a map such as {class: best-effort, level: 7}")) {
        reader.map(value, {kIoPriorityKeys.data(), kIoPriorityKeys.size()}, &draft);
        if (!value.find("class")) reader.error(value, "has no class", "add it");
    }
    if (!draft.io_class) return;
    const bool idle = *draft.io_class == Class::Idle;
    if (idle && value.find("level")) {
        const Reader::Step step(reader, "level");
        return reader.error(value.find("level"), "\"idle\" knows no levels", "remove it");
    }
    priority = IoPriority{static_cast<int>(*draft.io_class) + 1,
                          idle ? 0 : draft.level.value_or(kUsualLevel)};
}

Literal written_io_priority(const IoPriority& priority) {
    const auto io_class = static_cast<IoPriorityDraft::Class>(priority.io_class - 1);
    const bool idle = io_class == IoPriorityDraft::Class::Idle;
    if (idle || priority.level == kUsualLevel) {
        return {std::string(kIoClasses[static_cast<std::size_t>(io_class)])};
    }
    const IoPriorityDraft draft{io_class, priority.level}, bare;
    return {written_keys({kIoPriorityKeys.data(), kIoPriorityKeys.size()}, &draft, &bare)};
}

}  // namespace reeve::config
