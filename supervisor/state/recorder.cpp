#include "supervisor/state/recorder.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <unordered_map>
#include <utility>

#include "base/fd.h"
#include "supervisor/state/reading.h"

namespace reeve::state {

namespace {

/// What is written of a service by the time it runs, with what is there of it for a moment only.
constexpr std::size_t blocks_for_a_run = 10;

}  // namespace

struct Recorder::Impl {
    Impl(std::string to, OnProblem tell) : path(std::move(to)), on_problem(std::move(tell)) {}

    std::string path;
    OnProblem on_problem;
    Origin origin = Origin::here();
    std::optional<Store> store;
    Definitions definitions;
    Changes unwritten;  ///< what could not be written yet
    bool failing = false;
    bool look_for_unused = false;
    config::PlanPtr plan;
    std::optional<core::Engine::Snapshot> engine;
    std::unordered_map<core::RunId, config::ServicePtr> of_runs;  ///< kept for as long as written

    std::uint64_t number_of(const config::ServicePtr& service) {
        return definitions.number_of(service, store ? &*store : nullptr, unwritten);
    }
    template <typename T>
    void put(const Key& key, const T& value) {
        unwritten.insert_or_assign(
            key, encode(value, [this](const config::ServicePtr& s) { return number_of(s); }));
    }
    void erase(const Key& key) { unwritten.insert_or_assign(key, std::nullopt); }

    void open_store(Contents& contents) {
        auto opened = Store::open(path, origin, contents);
        if (opened) {
            store.emplace(std::move(*opened));
        } else {
            fail(opened.error());
        }
    }
    /// What a predecessor has left in the file could not be read when it would have counted.
    bool open_late() {
        Contents left;
        open_store(left);
        for (const auto& [key, extent] : left.records) unwritten.try_emplace(key, std::nullopt);
        return store.has_value();
    }
    void fail(const Error& why) {
        if (std::exchange(failing, true)) return;
        std::string sentence = "cannot write down in ";
        sentence.append(path).append(" what a successor has to know: ").append(why.text());
        sentence.append("; after a kill of this supervisor, what is started from now on would be ");
        sentence.append("started once more beside itself. Make room there");
        on_problem(std::move(sentence));
    }

    /// All together or nothing; what fails is tried again with whatever comes next.
    void write() {
        if (unwritten.empty()) return;
        if (!store && !open_late()) return;
        if (auto written = store->apply(unwritten); !written) return fail(written.error());
        unwritten.clear();
        failing = false;
    }

    void write(core::Engine& of) {
        const bool replanned = of.units().plan_ptr() != plan;
        if (replanned) write_plan(of.units().plan_ptr());
        for (const core::ServiceId id : of.take_changed()) {
            const core::Unit* unit = std::as_const(of).units().find(id);
            const Key key{Kind::Unit, id.value};
            if (unit == nullptr) {
                erase(key);
            } else {
                put(key, unit->snapshot());
            }
        }
        if (engine != of.snapshot()) put({Kind::Engine}, *(engine = of.snapshot()));
        // What the old plan had is let go by everybody only after this.
        if (replanned || look_for_unused) definitions.erase_unused(unwritten);
        look_for_unused = replanned;
        write();
        if (replanned) reserve();
    }

    /// The room that those take who are to be started yet: better known now than then.
    void reserve() {
        if (!store || plan->services.size() <= of_runs.size()) return;
        const std::size_t more = plan->services.size() - of_runs.size();
        if (auto reserved = store->reserve(more * blocks_for_a_run); !reserved) {
            fail(reserved.error());
        }
    }

    void write_plan(const config::PlanPtr& of) {
        plan = of;
        PlanRecord record;
        for (const auto& service : plan->services) record.services.push_back(number_of(service));
        record.settings = written_settings(plan->supervisor);
        record.files = plan->files;
        put({Kind::Plan}, record);
    }
};

namespace {

std::string in_vain(const std::string& path) {
    return "cannot take over from what " + path + " holds: ";
}

/// What there is to be taken over, which is not empty. Changes nothing.
Result<Reading> look_into(const std::string& path) {
    const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd) return system_error("cannot open " + path);
    const auto contents = read_contents(fd.get(), Origin::here());
    if (!contents) {
        const std::string why = contents.error().text();
        return error(in_vain(path) + (why.empty() ? "it is empty" : why));
    }
    Definitions definitions;
    Reading reading = read_back(*contents, nullptr, definitions);
    if (!reading.predecessor && reading.problems.empty()) {
        return error(in_vain(path) + "it is empty");
    }
    reading.problems.insert(reading.problems.begin(), contents->problems.begin(),
                            contents->problems.end());
    if (!reading.predecessor) return error(in_vain(path) + reading.problems.front());
    return reading;
}

}  // namespace

Recorder::Recorder(std::string path, OnProblem on_problem)
    : impl_(std::make_unique<Impl>(std::move(path), std::move(on_problem))) {}
Recorder::~Recorder() = default;

std::optional<Predecessor> Recorder::open(const config::PlanPtr& now) {
    if (impl_->path.empty()) return std::nullopt;
    Contents contents;
    impl_->open_store(contents);
    Reading reading = read_back(contents, now, impl_->definitions);
    contents.problems.insert(contents.problems.end(), reading.problems.begin(),
                             reading.problems.end());
    for (const std::string& problem : contents.problems) {
        impl_->on_problem("ignoring what cannot be used of " + impl_->path + ": " + problem);
    }
    for (const Key& key : reading.unusable) impl_->erase(key);
    impl_->write();
    if (reading.predecessor) {
        for (const Run& run : reading.predecessor->runs) {
            impl_->of_runs.emplace(run.id, run.definition);
        }
    }
    return std::move(reading.predecessor);
}

void Recorder::write(core::Engine& engine) {
    if (!impl_->path.empty()) impl_->write(engine);
}

void Recorder::write(const Run& run) {
    if (impl_->path.empty()) return;
    impl_->of_runs.insert_or_assign(run.id, run.definition);
    impl_->put({Kind::Run, run.id.value}, run);
    impl_->write();
}

void Recorder::erase(core::RunId run) {
    if (impl_->path.empty()) return;
    impl_->of_runs.erase(run);
    impl_->erase({Kind::Run, run.value});
    impl_->write();
}

void Recorder::write(const Command& command) {
    if (impl_->path.empty()) return;
    impl_->put({Kind::Command, command.id.value}, command);
    impl_->write();
}

void Recorder::erase(core::TaskId command) {
    if (impl_->path.empty()) return;
    impl_->erase({Kind::Command, command.value});
    impl_->write();
}

void Recorder::restore() {
    if (!impl_->store) return;
    const auto restored = impl_->store->restore(impl_->path);
    if (!restored) {
        impl_->on_problem(restored.error().text() + "; it is tried again on SIGHUP. A supervisor " +
                          "that is started after a kill of this one would not know what runs");
    } else if (*restored) {
        impl_->on_problem(impl_->path + " was gone; it is put back");
    }
}

void Recorder::remove() {
    if (impl_->path.empty()) return;
    ::unlink(impl_->path.c_str());
    impl_->path.clear();
    impl_->store.reset();
}

Result<std::size_t> can_resume(const std::string& path) {
    const auto reading = look_into(path);
    if (!reading) return reading.error();
    if (!reading->problems.empty()) return error(in_vain(path) + reading->problems.front());
    return reading->predecessor->units.size();
}

Result<config::PlanPtr> former_plan(const std::string& path) {
    auto reading = look_into(path);
    if (!reading) return reading.error();
    return std::move(reading->predecessor->plan);
}

}  // namespace reeve::state
