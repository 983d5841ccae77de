#include "supervisor/state/reading.h"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/graph.h"
#include "supervisor/core/state.h"

namespace reeve::state {

namespace {

/// An engine has a place for every service that it ever had; so many it never has.
constexpr std::uint64_t most_services = std::uint64_t{1} << 20;

bool by_name(const config::ServicePtr& a, const config::ServicePtr& b) { return a->name < b->name; }

/// Reads records in the order in which they build on one another.
class Records {
  public:
    Records(const Contents& contents, const config::PlanPtr& now, Definitions& definitions)
        : contents_(contents), now_(now), definitions_(definitions) {}

    Reading run() {
        for (const auto& [key, extent] : contents_.records) read(key);
        if (!listed_ && units_.empty() && runs_.empty() && commands_.empty()) return nothing();
        Predecessor found;
        found.plan = plan();
        found.units = units(*found.plan);
        found.engine = engine(found.units);
        found.runs = std::move(runs_);
        found.commands = std::move(commands_);
        out_.predecessor = std::move(found);
        return std::move(out_);
    }

  private:
    Reading nothing() {
        if (!contents_.records.empty()) problem("it tells of no service");
        out_.unusable.clear();
        for (const auto& [key, extent] : contents_.records) out_.unusable.push_back(key);
        return std::move(out_);
    }

    void problem(std::string sentence) { out_.problems.push_back(std::move(sentence)); }
    void drop(const Key& key, const std::string& why) {
        problem("its record of " + in_words(key) + ": " + why);
        out_.unusable.push_back(key);
    }

    template <typename T>
    std::optional<T> value(const Key& key) {
        auto decoded = decode<T>(contents_.value(contents_.records.at(key)),
                                 [this](std::uint64_t number) { return service(number); });
        if (decoded) return std::move(*decoded);
        drop(key, decoded.error().text());
        return std::nullopt;
    }

    void read(const Key& key) {
        switch (key.kind) {
            case Kind::Definition:
                return read_definition(key);
            case Kind::Plan:
                listed_ = value<PlanRecord>(key);
                return;
            case Kind::Engine:
                if (auto engine = value<core::Engine::Snapshot>(key)) engine_ = *engine;
                return;
            case Kind::Unit:
                if (auto unit = value<core::UnitSnapshot>(key)) take(key, std::move(*unit));
                return;
            case Kind::Run:
                if (auto run = value<Run>(key)) take(key, std::move(*run));
                return;
            case Kind::Command:
                if (auto command = value<Command>(key)) take(key, std::move(*command));
                return;
        }
        out_.unusable.push_back(key);
    }

    void read_definition(const Key& key) {
        auto definition = value<Definition>(key);
        if (!definition) return;
        const auto place = now_ ? now_->find(definition->name) : std::nullopt;
        config::ServicePtr service;
        if (place && written_definition(*now_->services[*place]) == *definition) {
            service = now_->services[*place];
        } else {
            auto made = service_of(*definition);
            if (!made) return drop(key, made.error().text());
            service = *made;
        }
        definitions_.know(key.number, service,
                          std::string(contents_.value(contents_.records.at(key))));
        services_.emplace(key.number, std::move(service));
    }

    config::ServicePtr service(std::uint64_t number) const {
        const auto found = services_.find(number);
        return found != services_.end() ? found->second : nullptr;
    }

    void take(const Key& key, core::UnitSnapshot unit) {
        if (!unit.id || unit.id.value != key.number || key.number > most_services) {
            return drop(key, "it has another number");
        }
        if (!unit.definition) return drop(key, "it has no definition");
        const core::RunId run = core::run_of(unit.state);
        if (core::is_alive(unit.state) && !unit.memory.run_definition && run) {
            return drop(key, "its run has no definition");
        }
        if (run && !run_ids_.insert(run).second) return drop(key, "its run is of another one");
        for (const core::TaskId task : core::tasks_of(unit.state)) {
            if (!task_ids_.insert(task).second) return drop(key, "its command is of another one");
        }
        if (!names_.insert(unit.definition->name).second) {
            return drop(key, "there is another one named " + unit.definition->name);
        }
        units_.push_back(std::move(unit));
    }

    void take(const Key& key, Run run) {
        if (run.id.value != key.number) return drop(key, "it has another number");
        if (!run.definition) return drop(key, "it has no definition");
        runs_.push_back(std::move(run));
    }

    void take(const Key& key, Command command) {
        if (command.id.value != key.number) return drop(key, "it has another number");
        commands_.push_back(std::move(command));
    }

    /// Of whatever definitions are there; without a list, of the services that were not removed.
    config::PlanPtr plan() {
        std::vector<config::ServicePtr> services;
        if (listed_) {
            for (const std::uint64_t number : listed_->services) {
                if (auto found = service(number)) services.push_back(std::move(found));
            }
        } else {
            problem("it has no record of the configuration, for which its services are taken");
            for (const core::UnitSnapshot& unit : units_) {
                if (!unit.memory.removed) services.push_back(unit.definition);
            }
        }
        std::sort(services.begin(), services.end(), by_name);
        const auto twice =
            std::unique(services.begin(), services.end(),
                        [](const auto& a, const auto& b) { return a->name == b->name; });
        services.erase(twice, services.end());
        if (now_ && services == now_->services) return now_;
        config::LinkTable links(config::link(services));
        return std::make_shared<const config::Plan>(
            config::Plan{now_ ? now_->supervisor : settings(), std::move(services),
                         std::move(links), now_ ? now_->files : files()});
    }

    config::Supervisor settings() {
        if (!listed_) return {};
        auto read = settings_of(listed_->settings);
        if (read) return std::move(*read);
        problem("the supervisor's own settings: " + read.error().text());
        return {};
    }
    std::vector<std::string> files() const {
        return listed_ ? listed_->files : std::vector<std::string>();
    }

    /// Whether the plan has them is what makes them removed or not.
    std::vector<core::UnitSnapshot> units(const config::Plan& plan) {
        for (core::UnitSnapshot& unit : units_) {
            const bool removed = !plan.find(unit.definition->name);
            if (removed && !unit.memory.removed) unit.memory.goal = core::Goal::Down;
            unit.memory.removed = removed;
        }
        return std::move(units_);
    }

    /// No number is given out again, whatever else is lost.
    core::Engine::Snapshot engine(const std::vector<core::UnitSnapshot>& units) {
        if (!engine_) {
            problem("it has no record of the supervisor itself, which is taken for booted");
        }
        core::Engine::Snapshot found = engine_.value_or(core::Engine::Snapshot{{}, 0, true});
        core::Units::Numbers& numbers = found.numbers;
        numbers.service = std::min(numbers.service, most_services);
        for (const core::UnitSnapshot& unit : units) {
            numbers.service = std::max(numbers.service, unit.id.value);
        }
        for (const auto& [key, extent] : contents_.records) {
            if (key.kind == Kind::Run) numbers.run = std::max(numbers.run, key.number);
            if (key.kind == Kind::Command) numbers.task = std::max(numbers.task, key.number);
        }
        for (const core::RunId run : run_ids_) numbers.run = std::max(numbers.run, run.value);
        for (const core::TaskId task : task_ids_) numbers.task = std::max(numbers.task, task.value);
        return found;
    }

    const Contents& contents_;
    const config::PlanPtr& now_;
    Definitions& definitions_;
    Reading out_;
    std::unordered_map<std::uint64_t, config::ServicePtr> services_;
    std::optional<PlanRecord> listed_;
    std::optional<core::Engine::Snapshot> engine_;
    std::vector<core::UnitSnapshot> units_;
    std::vector<Run> runs_;
    std::vector<Command> commands_;
    std::unordered_set<core::RunId> run_ids_;
    std::unordered_set<core::TaskId> task_ids_;
    std::unordered_set<std::string> names_;
};

}  // namespace

Reading read_back(const Contents& contents, const config::PlanPtr& now, Definitions& definitions) {
    return Records(contents, now, definitions).run();
}

}  // namespace reeve::state
