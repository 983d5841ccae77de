#include "config/load.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/nearest.h"
#include "config/collisions.h"
#include "config/draft.h"
#include "config/forms.h"
#include "config/graph.h"
#include "config/instances.h"
#include "config/reader.h"
#include "config/relations.h"
#include "config/service_checks.h"
#include "config/service_keys.h"
#include "config/sources.h"
#include "config/values.h"

namespace reeve::config {

namespace {

bool is_error(const Problem& problem) { return problem.severity == Severity::Error; }

/// All that a configuration may make of `instances`; each is a service with memory of its own.
constexpr std::size_t kMostInstances = 100'000;

bool mentions_service_anywhere(yaml::Value value) {
    if (value.kind() == yaml::Kind::Scalar) return mentions_service(value.text());
    for (std::size_t i = 0; i < value.size(); ++i) {
        const bool map = value.kind() == yaml::Kind::Map;
        if (mentions_service_anywhere(map ? value.value(i) : value.item(i))) return true;
    }
    return false;
}

/// Makes a plan of parsed files, in the order: top level, defaults, services, relations.
class Loader {
  public:
    Loader(const LoadOptions& options, const Sources& sources, std::vector<Problem>& problems)
        : options_(options),
          sources_(sources),
          problems_(problems),
          reader_(options.environment, problems),
          readable_(std::none_of(problems.begin(), problems.end(), is_error)),
          base_(initial_draft(options.as_pid1)) {}

    PlanPtr load() {
        Collisions collisions(problems_);
        for (const auto& document : sources_.documents()) read_top(document->root(), collisions);
        read_defaults();
        for (const auto& [key, value] : services_) read_definition(key, value);
        settings_ = finish_supervisor();
        // Of a file that could not be read, nobody knows which services it has.
        if (readable_) check_relations(named_, unclear_, problems_);
        if (std::any_of(problems_.begin(), problems_.end(), is_error)) return nullptr;
        if (services_.empty()) warn_of_no_services();
        expand_instances(finished_);
        return make_plan(std::move(finished_), settings_, sources_.files());
    }

    /// Once it is loaded.
    const Supervisor& settings() const { return settings_; }

  private:
    void read_top(yaml::Value root, Collisions& collisions) {
        if (root.kind() == yaml::Kind::Null) return;
        if (!reader_.is(root, yaml::Kind::Map, "a map with `services`")) return;
        for (std::size_t i = 0; i < root.size(); ++i) {
            read_top_key(root.key(i), root.value(i), collisions);
        }
    }

    void read_top_key(yaml::Value key, yaml::Value value, Collisions& collisions) {
        static const std::vector<std::string_view> kKnown{"version", "include", "supervisor",
                                                          "defaults", "services"};
        const std::string_view name = key.text();
        const Reader::Step step(reader_, name);
        if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
            const auto meant = nearest(name, kKnown);
            reader_.error(key, "unknown key",
                          meant ? "did you mean `" + *meant + "`?"
                                : "known here are " + enumerate(kKnown, "and"));
        } else if (name == "version") {
            const auto version = reader_.text(value, "1");
            if (version && *version != "1") {
                reader_.error(value, "unknown version " + quote(*version), "write 1");
            }
        } else if (name == "include" || value.kind() == yaml::Kind::Null) {
            return;  // Sources has followed includes; a name with nothing below it says nothing
        } else if (!reader_.is(value, yaml::Kind::Map, "a map")) {
            return;
        } else if (name == "services") {
            collect_services(value);
        } else {
            collisions.add(std::string(name), key, value);
            if (name == "defaults") add_defaults(value);
            if (name == "supervisor") reader_.map(value, supervisor_table(), &supervisor_);
            if (name == "supervisor") supervisor_maps_.push_back(value);
        }
    }

    void add_defaults(yaml::Value value) {
        defaults_.push_back(value);
        const yaml::Value instances = value.find("instances");
        if (!instances) return;
        const Reader::Step step(reader_, "instances");
        reader_.error(instances, "cannot be a default", "write it in each service that has them");
    }

    /// Where `supervisor` sets a key of one of its maps.
    yaml::Value setting(std::string_view map, std::string_view key) const {
        for (const yaml::Value supervisor : supervisor_maps_) {
            if (const yaml::Value found = supervisor.find(map).find(key)) return found;
        }
        return {};
    }

    void collect_services(yaml::Value services) {
        for (std::size_t i = 0; i < services.size(); ++i) {
            const yaml::Value key = services.key(i);
            const Reader::Step step(reader_, key.text());
            if (const auto misread = check_service_name(key.text())) {
                reader_.error(key, *misread);
            }
            const auto [there, is_new] = service_keys_.try_emplace(key.text(), key);
            if (!is_new) {
                reader_.error(key, "is also in " + place_of(there->second.position()),
                              "keep one of them, or rename one");
                continue;
            }
            services_.emplace_back(key, services.value(i));
        }
    }

    void read_defaults() {
        per_service_ = !services_.empty() &&
                       std::any_of(defaults_.begin(), defaults_.end(), mentions_service_anywhere);
        if (per_service_) return;
        reader_.enter_service("service@1");
        lay_defaults_over(base_);
        if (base_.restart == RestartPolicy::Never && base_.policy.restart_limit) {
            const Origin origin{{}, {}, defaults_};
            problems_.push_back(
                {Severity::Error, origin.find("restart_limit").position(), "defaults.restart_limit",
                 "has no effect, for `defaults` says restart: never", "remove one of them"});
        }
    }

    void lay_defaults_over(Draft& draft) {
        const Reader::Step step(reader_, "defaults");
        for (const yaml::Value defaults : defaults_) {
            reader_.map(defaults, service_table(), &draft);
        }
    }

    /// Reads what a key of `services` defines: one service, or one for each of its instances.
    void read_definition(yaml::Value key, yaml::Value value) {
        const std::vector<std::string> names = names_of(key, value);
        bool good = true;
        for (const std::string& name : names) {
            const std::size_t problems_before = problems_.size();
            // What is wrong with one is mostly wrong with all: of the others only the names count.
            if (good) read_service(key, value, name);
            if (!good) named_.push_back({Origin{key, value, defaults_}, name, {}, false});
            good = good && std::none_of(problems_.begin() + std::ptrdiff_t(problems_before),
                                        problems_.end(), is_error);
        }
    }

    /// The names of the services that a key of `services` defines.
    std::vector<std::string> names_of(yaml::Value key, yaml::Value value) {
        const std::string name(key.text());
        const yaml::Value instances = value.find("instances");
        if (!instances) return {name};
        const Reader::Step services(reader_, "services");
        const Reader::Step service(reader_, key.text());
        const Reader::Step step(reader_, "instances");
        reader_.enter_service(name);
        const std::size_t problems_before = problems_.size();
        std::vector<std::string> names;
        if (instance_of(name)) {
            reader_.error(instances, "has no effect: this is an instance itself", "remove it");
        } else if (const auto read = read_instances(reader_, instances)) {
            for (const std::string& instance : *read) {
                names.push_back(name);
                names.back().append("@").append(instance);
                refuse_twice(instances, names.back());
            }
            if ((count_instances_ += names.size()) > kMostInstances) {
                reader_.error(instances, "makes too many services",
                              "have " + std::to_string(kMostInstances) + " instances at most");
            }
        }
        if (problems_.size() == problems_before) return names;
        if (instance_of(name)) return {name};
        unclear_.insert(key.text());
        return {name + "@1"};
    }

    /// An instance that also stands under its own name.
    void refuse_twice(yaml::Value at, const std::string& name) {
        const auto there = service_keys_.find(name);
        if (there == service_keys_.end()) return;
        reader_.error(at, quote(name) + " is also in " + place_of(there->second.position()),
                      "keep one of them, or rename one");
    }

    void read_service(yaml::Value key, yaml::Value value, const std::string& name) {
        const std::size_t problems_before = problems_.size();
        Draft draft = base_;
        draft.name = name;
        reader_.enter_service(draft.name);
        if (per_service_) lay_defaults_over(draft);
        leave_out_itself(draft.relations, draft.name);
        {
            const Reader::Step services(reader_, "services");
            const Reader::Step step(reader_, key.text());
            if (value.kind() != yaml::Kind::Null &&
                reader_.is(value, yaml::Kind::Map, "a map with `command`")) {
                reader_.map(value, service_table(), &draft);
            }
        }
        reader_.enter_service(std::nullopt);
        const Origin origin{key, value, defaults_};
        check_service(draft, origin, problems_.size() == problems_before, users_,
                      Caller{options_.uid, options_.gid}, problems_);
        const auto lasting = options_.enabled.find(draft.name);
        if (lasting != options_.enabled.end()) draft.policy.enabled = lasting->second;
        named_.push_back({origin, draft.name, draft.relations, draft.policy.enabled});
        finished_.push_back({std::move(draft.name), std::move(draft.execution),
                             std::move(draft.policy), std::move(draft.relations),
                             std::move(draft.identity)});
    }

    void warn_of_no_services() {
        if (sources_.documents().empty()) return;
        problems_.push_back({Severity::Warning, sources_.documents().front()->root().position(),
                             "services", "there are no services", "name one under `services`"});
    }

    Supervisor finish_supervisor() {
        Supervisor result = std::move(supervisor_.supervisor);
        result.socket.path = std::move(supervisor_.socket.path);
        result.socket.mode = supervisor_.socket.mode;
        if (supervisor_.socket.group) {
            result.socket.group = group(*supervisor_.socket.group, setting("socket", "group"),
                                        "supervisor.socket.group");
        }
        result.access.operate = groups(supervisor_.access.operate, "operate");
        result.access.read = groups(supervisor_.access.read, "read");
        result.group_names = {std::move(supervisor_.socket.group),
                              std::move(supervisor_.access.operate),
                              std::move(supervisor_.access.read)};
        check_socket(result);
        return result;
    }

    /// Connecting takes the right to write.
    void check_socket(const Supervisor& supervisor) {
        const auto warn = [&](std::string_view key, std::string what, std::string what_to_do) {
            problems_.push_back({Severity::Warning, setting("socket", key).position(),
                                 "supervisor.socket." + std::string(key), std::move(what),
                                 std::move(what_to_do)});
        };
        const mode_t mode = supervisor.socket_mode();
        if (!supervisor.access.empty() && (mode & (S_IWGRP | S_IWOTH)) == 0) {
            warn("mode", "keeps out those whom `access` lets in", "remove it, or write \"0666\"");
        } else if (supervisor.socket.group && (mode & S_IWGRP) == 0) {
            warn("group", "has no effect, for the socket's mode lets no group in",
                 "add `mode: \"0660\"`, or remove it");
        }
    }

    std::optional<gid_t> group(const std::string& name, yaml::Value at, std::string path) {
        const auto gid = users_.group(name);
        if (gid) return *gid;
        problems_.push_back({Severity::Error, at.position(), std::move(path), gid.error().what,
                             gid.error().what_to_do});
        return std::nullopt;
    }

    /// The groups of a list of `access`, sorted, none twice.
    std::vector<gid_t> groups(const std::vector<std::string>& names, std::string_view key) {
        const yaml::Value list = setting("access", key);
        std::vector<gid_t> gids;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const auto gid =
                group(names[i], i < list.size() ? list.item(i) : list,
                      "supervisor.access." + std::string(key) + "[" + std::to_string(i) + "]");
            if (gid) gids.push_back(*gid);
        }
        std::sort(gids.begin(), gids.end());
        gids.erase(std::unique(gids.begin(), gids.end()), gids.end());
        return gids;
    }

    const LoadOptions& options_;
    const Sources& sources_;
    std::vector<Problem>& problems_;
    Reader reader_;
    bool readable_;  ///< every file was
    Users users_;
    SupervisorDraft supervisor_;
    Supervisor settings_;
    std::vector<yaml::Value> supervisor_maps_;
    std::vector<yaml::Value> defaults_;
    Draft base_;                ///< what every service begins as
    bool per_service_ = false;  ///< `defaults` depend on the service, so base_ is without them
    std::vector<std::pair<yaml::Value, yaml::Value>> services_;
    std::unordered_map<std::string_view, yaml::Value> service_keys_;
    std::set<std::string_view> unclear_;  ///< services of which it is not known what instances
    std::size_t count_instances_ = 0;
    std::vector<NamedRelations> named_;
    std::vector<Service> finished_;
};

/// By file as they were read, then by position; each once.
void sort_problems(std::vector<Problem>& problems, const std::vector<std::string>& names) {
    std::unordered_map<std::string_view, std::size_t> order;
    for (const std::string& name : names) order.try_emplace(name, order.size());
    const auto rank = [&](std::size_t i) {
        const SourcePosition& position = problems[i].position;
        const auto found = order.find(position.file);
        return std::tuple(found == order.end() ? order.size() : found->second, position.line,
                          position.column, i);
    };
    std::vector<std::size_t> sequence(problems.size());
    std::iota(sequence.begin(), sequence.end(), 0);
    std::sort(sequence.begin(), sequence.end(),
              [&](std::size_t a, std::size_t b) { return rank(a) < rank(b); });
    // `defaults` that are read for every service say the same again and again.
    std::unordered_set<std::string> said;
    std::vector<Problem> sorted;
    for (const std::size_t i : sequence) {
        if (said.insert(to_line(problems[i])).second) sorted.push_back(std::move(problems[i]));
    }
    problems = std::move(sorted);
}

bool is_missing(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

Problem no_paths(const LoadOptions& options, const std::string& missing) {
    Problem problem;
    problem.position = {"reeve.yaml", 1, 1};
    if (!options.paths.empty()) problem.position.file = options.paths.front();
    problem.what = missing.empty() ? "no configuration is named" : "cannot find " + missing;
    problem.what_to_do = "write one, or name another with -c";
    return problem;
}

LoadResult finish(const LoadOptions& options, const Sources& sources,
                  std::vector<Problem> problems) {
    Loader loader(options, sources, problems);
    PlanPtr plan = loader.load();
    sort_problems(problems, sources.names());
    return {std::move(plan), std::move(problems), sources.unread(), loader.settings()};
}

}  // namespace

LoadResult load(const LoadOptions& options) {
    std::vector<Problem> problems;
    Sources sources(options.environment, options.uid, problems);
    std::string missing;
    std::size_t count_missing = 0;
    for (const std::string& path : options.paths) {
        if (options.paths_may_be_missing && is_missing(path)) {
            missing += (count_missing++ == 0 ? "" : " or ") + path;
            continue;
        }
        sources.add_path(path);
    }
    const bool nothing = count_missing == options.paths.size();
    if (nothing) problems.push_back(no_paths(options, missing));
    LoadResult result = finish(options, sources, std::move(problems));
    if (nothing) result.unread = ENOENT;
    return result;
}

LoadResult load_text(std::string_view text, const std::string& name, const LoadOptions& options) {
    std::vector<Problem> problems;
    Sources sources(options.environment, options.uid, problems);
    sources.add_text(text, name);
    return finish(options, sources, std::move(problems));
}

}  // namespace reeve::config
