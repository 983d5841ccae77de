#include <fnmatch.h>

#include <algorithm>
#include <deque>
#include <set>

#include "base/overloaded.h"
#include "config/instances.h"
#include "ctl/client.h"
#include "ctl/event_text.h"
#include "ctl/verbs.h"

namespace reeve::ctl {

namespace {

using protocol::Event;

/// More than any supervisor remembers.
constexpr std::uint64_t whole_history = 1u << 20;

/// The services whose events are wanted: those that the names select now, and whatever comes later
/// under a name that fits.
class Filter {
  public:
    static Attempt<Filter> resolve(Client& client, const std::vector<std::string>& names) {
        Filter filter;
        filter.patterns_ = names;
        if (names.empty()) return filter;
        if (const auto added = filter.add_selected(client); !added) return added.error();
        return filter;
    }

    /// Adds the services that have joined a group. Those that left it stay: their end is news, too.
    /// Where nobody can be asked any more, that is seen by who waits for events.
    void renew(const Task& task) {
        const bool any = std::any_of(patterns_.begin(), patterns_.end(),
                                     [](const auto& name) { return name.starts_with('@'); });
        if (!any) return;
        auto client = Client::connect(task.host, task.invocation);
        if (client) static_cast<void>(add_selected(*client));
    }

    bool takes_all() const { return patterns_.empty(); }

    /// What concerns no service in particular concerns everybody.
    bool passes(const Event& event) const {
        if (takes_all() || event.service.empty() || services_.contains(event.service)) return true;
        return std::any_of(patterns_.begin(), patterns_.end(), [&](const std::string& pattern) {
            return config::is_instance_of(event.service, pattern) ||
                   fnmatch(pattern.c_str(), event.service.c_str(), 0) == 0;
        });
    }

  private:
    Attempt<> add_selected(Client& client) {
        const auto document = client.ask(protocol::StatusQuery{patterns_, false, false});
        if (!document) return document.error();
        for (const auto& service : document->services) services_.insert(service.name);
        return {};
    }

    std::vector<std::string> patterns_;
    std::set<std::string> services_;
};

class EventPrinter {
  public:
    explicit EventPrinter(Task& task) : task_(task), text_(task.look) {}

    void print(const Event& event) {
        task_.out.write(task_.invocation.json ? protocol::to_json(event) + "\n"
                                              : text_.text(event));
    }

  private:
    Task& task_;
    EventText text_;
};

Exit print_past(Task& task, Client& client, const Filter& filter) {
    const std::uint64_t wanted = task.invocation.last.value_or(Invocation::everything);
    protocol::EventsQuery query;
    if (filter.takes_all() && wanted < whole_history) query.limit = wanted;
    auto list = client.ask(query);
    if (!list) return task.complain(list.error());
    std::vector<Event>& events = list->events;
    std::erase_if(events, [&](const Event& event) { return !filter.passes(event); });
    const auto left_out =
        static_cast<std::ptrdiff_t>(events.size() - std::min<std::uint64_t>(events.size(), wanted));
    EventPrinter printer(task);
    for (auto event = events.begin() + left_out; event != events.end(); ++event) {
        printer.print(*event);
    }
    return Exit::Done;
}

/// The last ones of the past, of which it is not known how many there are before the present
/// begins: with the first snapshot.
class Past {
  public:
    explicit Past(std::uint64_t wanted) : wanted_(wanted) {}

    void add(Event event) {
        events_.push_back(std::move(event));
        if (events_.size() > wanted_) events_.pop_front();
    }
    std::deque<Event> take() { return std::exchange(events_, {}); }

  private:
    std::uint64_t wanted_;
    std::deque<Event> events_;
};

/// Why there is nothing more to follow.
enum class End { NobodyReads, Shutdown, Vanished };

/// Follows one supervisor, beginning with the last `wanted` of its past.
Attempt<End> follow_one(Task& task, Client& client, Filter& filter, std::uint64_t wanted,
                        EventPrinter& printer) {
    // How much of the past there is of these services only the filter knows.
    const bool sift = wanted > 0 && !filter.takes_all();
    const auto accepted = client.ask(protocol::Subscribe{sift ? whole_history : wanted});
    if (!accepted) return accepted.error();
    filter.renew(task);  // for what changed before events came
    std::optional<Past> past;
    if (sift) past.emplace(wanted);
    bool is_stopping = false;
    while (true) {
        if (!client.has_event()) task.out.flush();
        if (task.out.failed()) return End::NobodyReads;
        const auto next = client.next_event(task.host.out);
        if (!next) return next.error();
        if (const auto* none = std::get_if<Client::NoEvent>(&*next)) {
            if (*none == Client::NoEvent::NobodyReads) return End::NobodyReads;
            return is_stopping ? End::Shutdown : End::Vanished;
        }
        const Event& event = std::get<Event>(*next);
        is_stopping = is_stopping || event.kind == Event::Kind::Shutdown;
        if (past && event.kind == Event::Kind::Snapshot) {
            for (const Event& before : past->take()) printer.print(before);
            past.reset();
        }
        // Who subscribed can ask nothing more on the same connection.
        if (!past && event.kind == Event::Kind::Configuration) filter.renew(task);
        if (!filter.passes(event)) continue;
        past ? past->add(event) : printer.print(event);
    }
}

/// Follows until nobody reads any more or everything is stopped, also from a supervisor that was
/// killed to its successor.
Exit follow(Task& task, Client& client, Filter filter) {
    std::uint64_t wanted = std::min(task.invocation.last.value_or(0), whole_history);
    EventPrinter printer(task);
    while (true) {
        const auto end = follow_one(task, client, filter, wanted, printer);
        if (!end) return task.complain(end.error());
        if (*end != End::Vanished) return Exit::Done;
        const auto former = client.welcome();
        if (const auto again = client.find_successor(); !again) return task.complain(again.error());
        const auto successor = client.welcome();
        if (!successor) return task.complain(successor.error());
        const bool is_other = !former || former->pid != successor->pid;
        std::string note = is_other
                               ? "the supervisor has ended without a word; going on with the "
                                 "next one (pid "
                               : "the supervisor hung up without a word; going on with it (pid ";
        note += std::to_string(successor->pid);
        task.note(note + ")");
        // All that another remembers has happened since.
        wanted = is_other ? whole_history : 0;
    }
}

}  // namespace

Exit run_events(Task& task) {
    auto client = Client::connect(task.host, task.invocation);
    if (!client) return task.complain(client.error());
    auto filter = Filter::resolve(*client, task.invocation.names);
    if (!filter) return task.complain(filter.error());
    return task.invocation.follow ? follow(task, *client, *std::move(filter))
                                  : print_past(task, *client, *filter);
}

}  // namespace reeve::ctl
